"""Every query of the ingest service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import PredictionLogged
from libs.schemas.values import Picture
from libs.store.session import Read, Tx
from services.ingest.core.books import Ledger
from services.ingest.tables import book, boot, data, prediction, rejection

_BOOT_LIVES = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What storing a run of events did to the books of one deployment."""

    stored: int
    duplicate: int


async def store_logged(
    tx: Tx, organization: UUID, deployment: UUID, events: Sequence[PredictionLogged]
) -> Counted:
    """Store predictions of one deployment, in order, and write the books.

    A record delivered again has a sequence number that its boot has passed: it is not counted.
    A prediction sent again has a new one: it is a duplicate, the first one stays.
    """
    passed = {
        row["boot"]: row["consumed"]
        for row in await tx.all(
            select(boot.c.boot, boot.c.consumed)
            .where(boot.c.deployment == deployment, boot.c.boot.in_({e.boot for e in events}))
            .with_for_update()
        )
    }
    fresh = []
    for event in events:
        if event.sequence > passed.get(event.boot, 0):
            passed[event.boot] = event.sequence
            fresh.append(event)
    if not fresh:
        return Counted(stored=0, duplicate=0)
    first = {event.logged.prediction: event for event in reversed(fresh)}
    made = await tx.execute(
        insert(prediction).on_conflict_do_nothing().returning(prediction.c.id),
        [_prediction_row(organization, event) for event in first.values()],
    )
    new = {row[0] for row in made}
    pictures = [_data_row(organization, first[i]) for i in new if first[i].logged.picture]
    if pictures:
        await tx.execute(insert(data).on_conflict_do_nothing(), pictures)
    counted = Counted(stored=len(new), duplicate=len(fresh) - len(new))
    await _write_books(tx, organization, deployment, counted, passed)
    return counted


async def _write_books(
    tx: Tx, organization: UUID, deployment: UUID, counted: Counted, passed: dict[UUID, int]
) -> None:
    added = insert(book).values(
        deployment=deployment,
        organization=organization,
        stored=counted.stored,
        duplicate=counted.duplicate,
    )
    await tx.execute(
        added.on_conflict_do_update(
            index_elements=[book.c.deployment],
            set_={
                "stored": book.c.stored + added.excluded.stored,
                "duplicate": book.c.duplicate + added.excluded.duplicate,
            },
        )
    )
    seen = insert(boot).values(
        [
            {
                "deployment": deployment,
                "boot": number,
                "organization": organization,
                "consumed": highest,
                "moved": tx.clock.now(),
            }
            for number, highest in sorted(passed.items())
        ]
    )
    await tx.execute(
        seen.on_conflict_do_update(
            index_elements=[boot.c.deployment, boot.c.boot],
            set_={"consumed": func.greatest(boot.c.consumed, seen.excluded.consumed)},
        )
    )


async def write_till(tx: Tx, given: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    """Write down what a process gave out and refused."""
    if given:
        rows = insert(boot).values([row | {"moved": tx.clock.now()} for row in given])
        await tx.execute(
            rows.on_conflict_do_update(
                index_elements=[boot.c.deployment, boot.c.boot],
                set_={"given": rows.excluded.given, "moved": rows.excluded.moved},
            )
        )
    if refused:
        counts = insert(rejection).values(refused)
        await tx.execute(
            counts.on_conflict_do_update(
                index_elements=[rejection.c.deployment, rejection.c.reason],
                set_={"count": rejection.c.count + counts.excluded.count},
            )
        )


async def ledger(read: Read, organization: UUID, deployment: UUID, *, now: datetime) -> Ledger:
    """The books of a deployment."""
    mine = boot.c.deployment == deployment, boot.c.organization == organization
    boots = await read.all(select(boot).where(*mine))
    counts = await read.first(
        select(book).where(book.c.deployment == deployment, book.c.organization == organization)
    )
    refused = await read.all(
        select(rejection.c.reason, rejection.c.count).where(
            rejection.c.deployment == deployment, rejection.c.organization == organization
        )
    )
    return Ledger(
        given=sum(
            max(row["given"], row["consumed"])
            if row["moved"] > now - _BOOT_LIVES
            else row["consumed"]
            for row in boots
        ),
        consumed=sum(row["consumed"] for row in boots),
        stored=counts["stored"] if counts else 0,
        duplicate=counts["duplicate"] if counts else 0,
        rejected_by_reason={row["reason"]: row["count"] for row in refused},
    )


async def take_shadow(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID
) -> RowMapping | None:
    """Mark that a prediction has its shadow. None: no such prediction; else the row before."""
    row = await tx.first(
        select(prediction)
        .where(
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
            prediction.c.organization == organization,
        )
        .with_for_update()
    )
    if row is not None and not row["has_shadow"]:
        await tx.execute(
            update(prediction)
            .where(prediction.c.deployment == deployment, prediction.c.id == prediction_id)
            .values(has_shadow=True)
        )
    return row


async def delete_prediction(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID
) -> None:
    await tx.execute(
        delete(prediction).where(
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
            prediction.c.organization == organization,
        )
    )


async def add_data(tx: Tx, row: dict[str, Any]) -> RowMapping:
    """Store an uploaded image."""
    return (await tx.execute(insert(data).values(row).returning(data))).mappings().one()


async def list_data(
    read: Read, organization: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    """Images of an organisation, newest first, one more than `limit`."""
    query = select(data).where(data.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(data.c.event_time, data.c.id) < before)
    return await read.all(
        query.order_by(data.c.event_time.desc(), data.c.id.desc()).limit(limit + 1)
    )


async def find_data(read: Read, organization: UUID, data_id: UUID) -> RowMapping | None:
    """One image."""
    return await read.first(
        select(data).where(data.c.id == data_id, data.c.organization == organization)
    )


async def delete_data(tx: Tx, organization: UUID, data_id: UUID) -> RowMapping | None:
    """Delete an image's row; returns it."""
    gone = await tx.execute(
        delete(data)
        .where(data.c.id == data_id, data.c.organization == organization)
        .returning(data)
    )
    return gone.mappings().first()


async def picture_in_use(read: Read, organization: UUID, sha256: str) -> bool:
    """Whether any image of the organisation has this picture."""
    return (
        await read.scalar(
            select(data.c.id)
            .where(data.c.organization == organization, data.c.picture_sha256 == sha256)
            .limit(1)
        )
        is not None
    )


def picture_of(row: RowMapping) -> Picture | None:
    """The picture of an image, None where none was kept."""
    if row["picture_key"] is None:
        return None
    return Picture(
        key=row["picture_key"],
        sha256=row["picture_sha256"],
        size=row["picture_size"],
        content_type=row["content_type"],
    )


def _prediction_row(organization: UUID, event: PredictionLogged) -> dict[str, Any]:
    logged = event.logged
    return {
        "deployment": logged.deployment,
        "id": logged.prediction,
        "organization": organization,
        "data": logged.data,
        "has_shadow": logged.shadow is not None,
        "width": logged.width,
        "height": logged.height,
        "event_time": logged.event_time,
        "receive_time": logged.receive_time,
    }


def _data_row(organization: UUID, event: PredictionLogged) -> dict[str, Any]:
    logged = event.logged
    assert logged.picture is not None
    return {
        "id": logged.data,
        "organization": organization,
        "deployment": logged.deployment,
        "filename": logged.filename,
        "content_type": logged.content_type,
        "width": logged.width,
        "height": logged.height,
        "source": logged.source,
        "tags": logged.tags,
        "metadata": logged.metadata,
        "custom_metadata": logged.custom_metadata,
        "picture_key": logged.picture.key,
        "picture_sha256": logged.picture.sha256,
        "picture_size": logged.picture.size,
        "event_time": logged.event_time,
        "receive_time": logged.receive_time,
    }
