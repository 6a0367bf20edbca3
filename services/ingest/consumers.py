"""What ingest does with events: rows and books from its own predictions."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from uuid import UUID

from libs.bus.consumer import OK, Died, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import PredictionDeleted, PredictionLogged
from libs.store.session import Tx
from services.ingest import store


async def on_logged(tx: Tx, events: Sequence[Received[PredictionLogged]]) -> Sequence[Outcome]:
    """Store predictions and images, and count them in the books."""
    for (organization, deployment), some in _by_deployment(events):
        await store.store_logged(tx, organization, deployment, some)
    return [OK] * len(events)


async def on_dead(tx: Tx, died: Sequence[Died]) -> None:
    """Count predictions that died. One whose record cannot be read has no number: it is missing
    from the books until its record is mended and comes again."""
    events = [one.received for one in died if one.received is not None]
    for (organization, deployment), some in _by_deployment(events):
        await store.count_dead(tx, organization, deployment, some)


async def on_deleted(tx: Tx, event: Received[PredictionDeleted]) -> Outcome:
    """Forget a prediction; with `erase` its image too, and minutes later its picture."""
    logged = event.data.logged
    await store.delete_prediction(tx, event.organization, logged.deployment, logged.prediction)
    if event.data.erase:
        await store.lose_data(tx, event.organization, logged.data)
    return OK


def _by_deployment(
    events: Sequence[Received[PredictionLogged]],
) -> Iterator[tuple[tuple[UUID, UUID], list[Received[PredictionLogged]]]]:
    """Events by (organisation, deployment), in the order in which books are locked."""

    def key(event: Received[PredictionLogged]) -> tuple[UUID, UUID]:
        return event.organization, event.data.deployment

    for place, some in groupby(sorted(events, key=key), key=key):
        yield place, list(some)
