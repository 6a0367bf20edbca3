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
    count_data,
    data_of,
    find_data,
    find_ids,
    list_data,
    picture_of,
    prediction_of,
    twins_of,
)
from services.ingest.store.erasing import lose_data, lost_before, settle_lost
from services.ingest.store.predictions import delete_prediction, store_logged, take_shadow

__all__ = [
    "FiredAlert",
    "add_alert",
    "add_data",
    "count_data",
    "count_dead",
    "data_of",
    "delete_alert",
    "delete_prediction",
    "find_data",
    "find_ids",
    "fired_alerts",
    "ledger",
    "ledgers",
    "list_data",
    "lose_data",
    "lost_before",
    "picture_of",
    "prediction_of",
    "prune_books",
    "rejections",
    "settle_lost",
    "store_logged",
    "take_shadow",
    "twins_of",
    "write_till",
]
