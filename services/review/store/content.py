"""The content of predictions and reviews: MessagePack in, values out."""

from collections.abc import Collection
from uuid import UUID

import msgspec
from sqlalchemy import select

from libs.schemas.values import Logged, Output, Review
from libs.store.session import Read
from services.review.tables import payload, prediction, review

encode = msgspec.msgpack.Encoder().encode
decode_logged = msgspec.msgpack.Decoder(Logged).decode
decode_review = msgspec.msgpack.Decoder(Review).decode
decode_output = msgspec.msgpack.Decoder(Output).decode
decode_score = msgspec.msgpack.Decoder(float).decode


async def logged(
    read: Read, organization: UUID, deployment: UUID, predictions: Collection[UUID]
) -> dict[UUID, Logged]:
    """The content of some predictions, by id."""
    rows = await read.all(
        select(payload.c.prediction, payload.c.content).where(
            payload.c.organization == organization,
            payload.c.deployment == deployment,
            payload.c.prediction.in_(predictions),
        )
    )
    return {row["prediction"]: decode_logged(row["content"]) for row in rows}


async def latest_reviews(
    read: Read, organization: UUID, deployment: UUID, predictions: Collection[UUID]
) -> dict[UUID, Review]:
    """The valid review of each prediction that has one."""
    rows = await read.all(
        select(review.c.prediction, review.c.content)
        .join(
            prediction,
            (prediction.c.deployment == review.c.deployment)
            & (prediction.c.id == review.c.prediction)
            & (prediction.c.revision == review.c.revision),
        )
        .where(
            review.c.organization == organization,
            review.c.deployment == deployment,
            review.c.prediction.in_(predictions),
        )
    )
    return {row["prediction"]: decode_review(row["content"]) for row in rows}


async def latest_review(
    read: Read, organization: UUID, deployment: UUID, prediction_id: UUID
) -> Review | None:
    """The valid review of a prediction."""
    held = await latest_reviews(read, organization, deployment, [prediction_id])
    return held.get(prediction_id)
