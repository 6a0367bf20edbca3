"""Reviewed predictions as quality needs them: match states, or three class indices."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from services.metrics.tables import review


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


async def delete_one(tx: Tx, organization: UUID, deployment: UUID, prediction: UUID) -> None:
    """Forget a review's outcome."""
    await tx.execute(
        delete(review).where(
            review.c.deployment == deployment,
            review.c.prediction == prediction,
            review.c.organization == organization,
        )
    )


async def of_range(
    read: Read, organization: UUID, deployment: UUID, start: datetime, end: datetime
) -> list[RowMapping]:
    """The reviewed predictions of a range in the order of their ids."""
    return await read.all(
        select(
            review.c.champion_version,
            review.c.shadow_version,
            review.c.champion_state,
            review.c.shadow_state,
            review.c.truth,
            review.c.champion_class,
            review.c.shadow_class,
        )
        .where(
            review.c.deployment == deployment,
            review.c.organization == organization,
            review.c.event_time >= start,
            review.c.event_time < end,
        )
        .order_by(review.c.prediction)
    )


_KEY = ("deployment", "prediction")
