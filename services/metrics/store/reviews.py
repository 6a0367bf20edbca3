"""Reviewed predictions as quality needs them: match states, or three class indices."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, case, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from services.metrics.tables import draw, prediction, review, skipped

_BRIEF = (
    review.c.champion_version,
    review.c.shadow_version,
    review.c.champion_state,
    review.c.shadow_state,
    review.c.truth,
    review.c.champion_class,
    review.c.shadow_class,
)
_IN_FULL = select(
    *_BRIEF,
    review.c.prediction,
    review.c.event_time,
    review.c.source,
    review.c.tags,
    review.c.draw,
    review.c.pi,
    review.c.block,
    review.c.champion_items,
    review.c.shadow_items,
    review.c.champion_ap,
    review.c.shadow_ap,
    review.c.champion_score,
    review.c.shadow_score,
    case((draw.c.chosen > 0, 1.0 * draw.c.served / draw.c.chosen)).label("share"),
).select_from(
    review.join(
        draw,
        and_(draw.c.deployment == review.c.deployment, draw.c.draw == review.c.draw),
        isouter=True,
    )
)


async def put(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Hold a review's outcome; False where the held one is later.

    The higher (revision, shadow present) replaces what is held.
    """
    new = insert(review).values(dict(row))
    later = or_(
        new.excluded.revision > review.c.revision,
        and_(
            new.excluded.revision == review.c.revision,
            new.excluded.shadow_version.is_not(None),
            review.c.shadow_version.is_(None),
        ),
    )
    made = await tx.execute(
        new.on_conflict_do_update(
            index_elements=[review.c.deployment, review.c.prediction],
            set_={name: new.excluded[name] for name in row if name not in _KEY},
            where=later,
        ).returning(review.c.prediction)
    )
    return made.first() is not None


async def delete_one(tx: Tx, organization: UUID, deployment: UUID, of: UUID) -> None:
    """Forget what reviewers did with a prediction."""
    for table in (review, skipped):
        await tx.execute(
            delete(table).where(
                table.c.deployment == deployment,
                table.c.prediction == of,
                table.c.organization == organization,
            )
        )


async def skip(tx: Tx, organization: UUID, deployment: UUID, of: UUID, *, pi: float) -> None:
    """Hold that a drawn image was left out."""
    await tx.execute(
        insert(skipped)
        .values(deployment=deployment, prediction=of, organization=organization, pi=pi)
        .on_conflict_do_nothing()
    )


async def unskip(tx: Tx, organization: UUID, deployment: UUID, of: UUID) -> None:
    """An image that was left out is reviewed after all."""
    await tx.execute(
        delete(skipped).where(
            skipped.c.deployment == deployment,
            skipped.c.prediction == of,
            skipped.c.organization == organization,
        )
    )


async def close_draw(
    tx: Tx, organization: UUID, deployment: UUID, of: UUID, *, served: int, chosen: int
) -> None:
    """Hold how much of a draw was served."""
    new = insert(draw).values(
        deployment=deployment, draw=of, organization=organization, served=served, chosen=chosen
    )
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[draw.c.deployment, draw.c.draw],
            set_={"served": new.excluded.served, "chosen": new.excluded.chosen},
        )
    )


async def of_range(
    read: Read,
    organization: UUID,
    deployment: UUID,
    start: datetime,
    end: datetime,
    *,
    version: UUID | None = None,
) -> list[RowMapping]:
    """The reviewed predictions of a range in the order of their ids: what both models said.

    With a `version` those that it answered, with all that is held of them. `share`: what part
    of its draw was served before it was closed; null: all, or no draw.
    """
    query = select(*_BRIEF) if version is None else _IN_FULL
    if version is not None:
        query = query.where(
            or_(review.c.champion_version == version, review.c.shadow_version == version)
        )
    return await read.all(
        query.where(
            review.c.deployment == deployment,
            review.c.organization == organization,
            review.c.event_time >= start,
            review.c.event_time < end,
        ).order_by(review.c.prediction)
    )


async def drawn(
    read: Read, organization: UUID, deployment: UUID, *, version: UUID, limit: int, whole: int
) -> list[RowMapping]:
    """The drawn reviews of a version in the order of their images, the last `limit` of them and
    at most `whole` − 1 fewer: what is left out is a multiple of `whole`.

    With `content` and `outlier` of the prediction, null where it is not counted yet.
    """
    mine = (
        review.c.deployment == deployment,
        review.c.organization == organization,
        review.c.pi > 0,
        or_(review.c.champion_version == version, review.c.shadow_version == version),
    )
    total = await read.scalar(select(func.count()).select_from(review).where(*mine)) or 0
    left_out = -(-max(total - limit, 0) // whole) * whole
    query = _IN_FULL.add_columns(prediction.c.content, prediction.c.outlier).join(
        prediction,
        and_(
            prediction.c.deployment == review.c.deployment,
            prediction.c.id == review.c.prediction,
            prediction.c.deleted.is_(other=False),
        ),
        isouter=True,
    )
    return await read.all(
        query.where(*mine).order_by(review.c.event_time, review.c.prediction).offset(left_out)
    )


async def counted(read: Read, organization: UUID, *, since: datetime) -> dict[UUID, int]:
    """Reviewed images of each deployment from an event time on."""
    rows = await read.all(
        select(review.c.deployment, func.count().label("reviewed"))
        .where(review.c.organization == organization, review.c.event_time >= since)
        .group_by(review.c.deployment)
    )
    return {row["deployment"]: row["reviewed"] for row in rows}


async def skipped_of_range(
    read: Read, organization: UUID, deployment: UUID, start: datetime, end: datetime
) -> list[float]:
    """π of each drawn image of a range that was left out."""
    rows = await read.all(
        select(skipped.c.pi)
        .join(
            prediction,
            and_(
                prediction.c.deployment == skipped.c.deployment,
                prediction.c.id == skipped.c.prediction,
            ),
        )
        .where(
            skipped.c.deployment == deployment,
            skipped.c.organization == organization,
            prediction.c.event_time >= start,
            prediction.c.event_time < end,
        )
    )
    return [row["pi"] for row in rows]


_KEY = ("deployment", "prediction")
