"""Draws, and reviews with the losses of both models."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import DrawOpened
from libs.store.session import Read, Tx
from services.deployer.core.draws import weights
from services.deployer.tables import draw, drawn, review


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The losses of both models, each at its threshold. `d` None: `why_not` says why."""

    champion_threshold: float | None = None
    candidate_threshold: float | None = None
    champion_loss: float | None = None
    candidate_loss: float | None = None
    d: float | None = None
    why_not: str | None = None
    burst: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedReview:
    """One reviewed image."""

    deployment: UUID
    prediction: UUID
    organization: UUID
    champion: UUID
    candidate: UUID | None
    draw: UUID | None
    pi: float | None
    start: str
    block: str | None
    sha256: str | None
    revision: int
    event_time: datetime
    receive_time: datetime
    reviewed_time: datetime


async def open_draw(tx: Tx, organization: UUID, opened: DrawOpened) -> None:
    """Keep a draw and its images, in the order served, with their weights."""
    made = await tx.execute(
        insert(draw)
        .values(
            deployment=opened.deployment,
            id=opened.draw,
            organization=organization,
            number=opened.number,
            population=opened.population,
            uniform=opened.uniform,
            opened=opened.opened_time,
        )
        .on_conflict_do_nothing()
        .returning(draw.c.id)
    )
    if made.first() is None or not opened.images:
        return
    weighed = weights(
        [image.pi for image in opened.images],
        population=opened.population,
        uniform=opened.uniform,
    )
    rows = [
        {
            "deployment": opened.deployment,
            "draw": opened.draw,
            "prediction": image.prediction,
            "organization": organization,
            "position": position,
            "pi": image.pi,
            "weight": weight,
        }
        for position, (image, weight) in enumerate(zip(opened.images, weighed, strict=True))
    ]
    await tx.execute(insert(drawn).values(rows).on_conflict_do_nothing())


async def close_draw(
    tx: Tx, organization: UUID, deployment: UUID, *, draw_id: UUID, served: int
) -> None:
    """Images that were never served ask nobody any more."""
    await tx.execute(
        update(draw)
        .where(
            draw.c.deployment == deployment,
            draw.c.id == draw_id,
            draw.c.organization == organization,
        )
        .values(served=served)
    )


async def latest_uniform(read: Read, organization: UUID, deployment: UUID) -> float | None:
    """The uniform share of the last draw; None before the first."""
    share: float | None = await read.scalar(
        select(draw.c.uniform)
        .where(draw.c.organization == organization, draw.c.deployment == deployment)
        .order_by(draw.c.number.desc())
        .limit(1)
    )
    return share


async def drawn_at(
    read: Read, organization: UUID, deployment: UUID, prediction: UUID
) -> datetime | None:
    """When the first draw that chose a prediction was opened; None: none did."""
    opened: datetime | None = await read.scalar(
        select(draw.c.opened)
        .join(drawn, (drawn.c.deployment == draw.c.deployment) & (drawn.c.draw == draw.c.id))
        .where(
            drawn.c.organization == organization,
            drawn.c.deployment == deployment,
            drawn.c.prediction == prediction,
        )
        .order_by(draw.c.number)
        .limit(1)
    )
    return opened


async def skip(tx: Tx, organization: UUID, deployment: UUID, prediction: UUID) -> None:
    """A drawn image is left out, unless it is reviewed later."""
    await tx.execute(
        update(drawn)
        .where(
            drawn.c.organization == organization,
            drawn.c.deployment == deployment,
            drawn.c.prediction == prediction,
        )
        .values(skipped=True)
    )


async def find_review(
    read: Read, organization: UUID, deployment: UUID, prediction: UUID
) -> RowMapping | None:
    """What is held of a reviewed prediction."""
    return await read.first(
        select(review).where(
            review.c.organization == organization,
            review.c.deployment == deployment,
            review.c.prediction == prediction,
        )
    )


async def put_review(tx: Tx, row: PairedReview, losses: Losses) -> None:
    """Replace what is held of a reviewed prediction."""
    values = asdict(row) | asdict(losses)
    replaced = {n: v for n, v in values.items() if n not in {"deployment", "prediction"}}
    await tx.execute(
        insert(review)
        .values(values)
        .on_conflict_do_update(
            index_elements=[review.c.deployment, review.c.prediction],
            set_=replaced,
            where=review.c.organization == row.organization,
        )
    )


async def delete_review(tx: Tx, organization: UUID, deployment: UUID, prediction: UUID) -> None:
    """A deleted prediction has no loss any more; a draw that chose it leaves it out."""
    await tx.execute(
        update(review)
        .where(
            review.c.organization == organization,
            review.c.deployment == deployment,
            review.c.prediction == prediction,
        )
        .values(deleted=True, d=None, why_not="the prediction was deleted")
    )
    await skip(tx, organization, deployment, prediction)
