"""What ingest does with events: rows and books from its own predictions."""

from collections.abc import Sequence
from itertools import groupby

from libs.bus.consumer import OK, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import PredictionDeleted, PredictionLogged
from libs.store.session import Tx
from services.ingest import store


async def on_logged(tx: Tx, events: Sequence[Received[PredictionLogged]]) -> Sequence[Outcome]:
    """Store predictions and images, and count them in the books."""
    by_deployment = sorted(events, key=lambda e: (e.organization, e.data.deployment))
    for (organization, deployment), some in groupby(
        by_deployment, key=lambda e: (e.organization, e.data.deployment)
    ):
        await store.store_logged(tx, organization, deployment, [e.data for e in some])
    return [OK] * len(events)


async def on_deleted(tx: Tx, event: Received[PredictionDeleted]) -> Outcome:
    """Forget a prediction; with `erase` its image too (the row; other images may share it)."""
    logged = event.data.logged
    await store.delete_prediction(tx, event.organization, logged.deployment, logged.prediction)
    if event.data.erase:
        await store.delete_data(tx, event.organization, logged.data)
    return OK
