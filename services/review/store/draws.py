"""The lottery: tickets wait, are drawn, served and answered."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, Uuid, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from libs.schemas.events import DrawClosed, DrawOpened
from libs.schemas.ids import uuid7
from libs.schemas.values import DrawnImage
from libs.store.session import Read, Tx
from services.review.core.lottery import DRAW_LIMIT, EVERY_IMAGE
from services.review.tables import draw, prediction, ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The place of an image in a draw."""

    draw: UUID
    pi: float
    answer: str | None


async def next_waiting(read: Read, after: UUID | None) -> tuple[UUID, UUID] | None:
    """(organisation, deployment) of the first deployment behind `after` with tickets that wait.

    Of every organisation: the loop that draws serves them all.
    """
    query = select(ticket.c.organization, ticket.c.deployment).where(ticket.c.draw.is_(None))
    if after is not None:
        query = query.where(ticket.c.deployment > after)
    row = await read.first(query.order_by(ticket.c.deployment).limit(1))
    return None if row is None else (row["organization"], row["deployment"])


async def open_draw(tx: Tx, organization: UUID, deployment: UUID) -> int:
    """Draw every image that waits, at most 500, in order of arrival; returns how many."""
    waiting = await tx.all(
        select(ticket.c.prediction)
        .where(
            ticket.c.organization == organization,
            ticket.c.deployment == deployment,
            ticket.c.draw.is_(None),
        )
        .order_by(ticket.c.receive_time, ticket.c.prediction)
        .limit(DRAW_LIMIT)
        .with_for_update()
    )
    if not waiting:
        return 0
    now = tx.clock.now()
    drawn = [row["prediction"] for row in waiting]
    last = await tx.scalar(select(func.max(draw.c.number)).where(draw.c.deployment == deployment))
    made, number = uuid7(now), (last or 0) + 1
    await tx.execute(
        insert(draw).values(
            id=made,
            organization=organization,
            deployment=deployment,
            number=number,
            population=len(drawn),
            unanswered=len(drawn),
            opened=now,
        )
    )
    served = (
        func.unnest(literal(drawn, ARRAY(Uuid)))
        .table_valued("prediction", with_ordinality="position", name="served")
        .render_derived()
    )
    await tx.execute(
        update(ticket)
        .where(ticket.c.deployment == deployment, ticket.c.prediction == served.c.prediction)
        .values(draw=made, number=number, position=served.c.position, pi=EVERY_IMAGE)
    )
    await tx.emit(
        DrawOpened(
            deployment=deployment,
            draw=made,
            number=number,
            population=len(drawn),
            uniform=EVERY_IMAGE,
            images=[DrawnImage(prediction=one, pi=EVERY_IMAGE) for one in drawn],
            opened_time=now,
        ),
        organization=organization,
    )
    return len(drawn)


async def place_of(
    read: Read, organization: UUID, deployment: UUID, prediction_id: UUID
) -> Drawn | None:
    """The draw that an image is in; None while its ticket waits, or without a picture."""
    row = await read.first(
        select(ticket.c.draw, ticket.c.pi, ticket.c.answer).where(
            ticket.c.organization == organization,
            ticket.c.deployment == deployment,
            ticket.c.prediction == prediction_id,
            ticket.c.draw.is_not(None),
        )
    )
    return None if row is None else Drawn(**row)


async def answer(
    tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID, *, how: str
) -> None:
    """Note what became of a drawn image; its draw is closed once all are answered.

    The caller holds the prediction's row.
    """
    place = await place_of(tx, organization, deployment, prediction_id)
    if place is None:
        return
    await tx.execute(
        update(ticket)
        .where(ticket.c.deployment == deployment, ticket.c.prediction == prediction_id)
        .values(answer=how)
    )
    if place.answer is not None:
        return
    left = await tx.execute(
        update(draw)
        .where(draw.c.id == place.draw)
        .values(unanswered=draw.c.unanswered - 1)
        .returning(draw.c.unanswered, draw.c.population)
    )
    row = left.mappings().one()
    if row["unanswered"] == 0:
        await tx.execute(update(draw).where(draw.c.id == place.draw).values(closed=tx.clock.now()))
        await tx.emit(
            DrawClosed(
                deployment=deployment,
                draw=place.draw,
                served=row["population"],
                chosen=row["population"],
            ),
            organization=organization,
        )


async def leave(tx: Tx, organization: UUID, deployment: UUID, prediction_id: UUID) -> None:
    """Take a deleted image out: its place in a draw counts as answered."""
    gone = await tx.execute(
        delete(ticket)
        .where(
            ticket.c.organization == organization,
            ticket.c.deployment == deployment,
            ticket.c.prediction == prediction_id,
            ticket.c.draw.is_(None),
        )
        .returning(ticket.c.prediction)
    )
    if gone.first() is None:
        await answer(tx, organization, deployment, prediction_id, how="DELETED")


async def close_all(tx: Tx, organization: UUID, deployment: UUID) -> None:
    """Close every open draw as far as it was answered; what is left leaves the queue."""
    closed = await tx.execute(
        update(draw)
        .where(
            draw.c.organization == organization,
            draw.c.deployment == deployment,
            draw.c.closed.is_(None),
        )
        .values(closed=tx.clock.now())
        .returning(draw.c.id, draw.c.population, draw.c.unanswered)
    )
    rows = closed.mappings().all()
    await tx.execute(
        update(ticket)
        .where(
            ticket.c.deployment == deployment,
            ticket.c.draw.in_([row["id"] for row in rows]),
            ticket.c.answer.is_(None),
        )
        .values(answer="LEFT")
    )
    for row in rows:
        await tx.emit(
            DrawClosed(
                deployment=deployment,
                draw=row["id"],
                served=row["population"] - row["unanswered"],
                chosen=row["population"],
            ),
            organization=organization,
        )


async def queue(
    read: Read,
    organization: UUID,
    deployment: UUID,
    *,
    after: tuple[int, int] | None,
    limit: int,
) -> list[RowMapping]:
    """Unanswered images of open draws in served order, one more than `limit`.

    `after`: (number, position) of the last one seen.
    """
    query = (
        select(prediction, ticket.c.draw, ticket.c.pi, ticket.c.number, ticket.c.position)
        .join(
            prediction,
            (prediction.c.deployment == ticket.c.deployment)
            & (prediction.c.id == ticket.c.prediction),
        )
        .where(
            ticket.c.organization == organization,
            ticket.c.deployment == deployment,
            ticket.c.draw.is_not(None),
            ticket.c.answer.is_(None),
        )
    )
    if after is not None:
        query = query.where(tuple_(ticket.c.number, ticket.c.position) > after)
    return await read.all(query.order_by(ticket.c.number, ticket.c.position).limit(limit + 1))
