"""Every query of the ingest service."""

from services.ingest.store.alerts import (
    FiredAlert,
    add_alert,
    delete_alert,
    fired_alerts,
    prune_books,
)
from services.ingest.store.books import ledger, ledgers, rejections, write_till
from services.ingest.store.counting import count_dead
from services.ingest.store.datalake import (
    add_data,
    delete_data,
    find_data,
    list_data,
    picture_in_use,
    picture_of,
)
from services.ingest.store.predictions import delete_prediction, store_logged, take_shadow

__all__ = [
    "FiredAlert",
    "add_alert",
    "add_data",
    "count_dead",
    "delete_alert",
    "delete_data",
    "delete_prediction",
    "find_data",
    "fired_alerts",
    "ledger",
    "ledgers",
    "list_data",
    "picture_in_use",
    "picture_of",
    "prune_books",
    "rejections",
    "store_logged",
    "take_shadow",
    "write_till",
]
