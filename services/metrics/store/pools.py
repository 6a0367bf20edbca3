"""What pools of reviewed images follow: which reviews a range holds, and match states."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, Uuid, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from libs.store.session import Read
from services.metrics.tables import review

_TOKEN = 16 + 4 + 1


async def tokens_of_range(
    read: Read,
    organization: UUID,
    deployment: UUID,
    start: datetime,
    end: datetime,
    *,
    versions: Sequence[UUID],
) -> tuple[int, list[frozenset[bytes]]]:
    """How many predictions of a range are reviewed, and of each version a token of each that it
    answered: the prediction's id, the review's revision, whether the shadow's answer is in it.

    Whatever changes what is held of a review changes its token.
    """
    token = (
        func.uuid_send(review.c.prediction)
        .op("||", return_type=LargeBinary)(func.int4send(review.c.revision))
        .op("||", return_type=LargeBinary)(func.boolsend(review.c.shadow_version.is_not(None)))
    )
    row = await read.first(
        select(
            func.count().label("reviewed"),
            *(
                func.string_agg(token, literal(b"", LargeBinary))
                .filter(_answered(version))
                .label(f"of_{i}")
                for i, version in enumerate(versions)
            ),
        ).where(
            review.c.deployment == deployment,
            review.c.organization == organization,
            review.c.event_time >= start,
            review.c.event_time < end,
        )
    )
    assert row is not None
    joined = [row[f"of_{i}"] or b"" for i in range(len(versions))]
    return row["reviewed"], [
        frozenset(some[at : at + _TOKEN] for at in range(0, len(some), _TOKEN)) for some in joined
    ]


async def states_of(
    read: Read, organization: UUID, deployment: UUID, ids: Sequence[UUID], *, version: UUID
) -> dict[bytes, bytes]:
    """The match states of a version by the bytes of some predictions' ids."""
    state = case(
        (review.c.champion_version == version, review.c.champion_state),
        else_=review.c.shadow_state,
    )
    rows = await read.all(
        select(review.c.prediction, state.label("state")).where(
            review.c.deployment == deployment,
            review.c.organization == organization,
            review.c.prediction == any_(literal(list(ids), ARRAY(Uuid))),
            _answered(version),
            state.is_not(None),
        )
    )
    return {row["prediction"].bytes: row["state"] for row in rows}


def _answered(version: UUID) -> ColumnElement[bool]:
    return or_(review.c.champion_version == version, review.c.shadow_version == version)
