"""Predictions as they come and change."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Float, RowMapping, Uuid, any_, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert

from libs.schemas.events import Score
from libs.schemas.values import Logged, Output, Review
from libs.store.session import Read, Tx
from services.review.core.columns import columns_of
from services.review.core.disagreement import Models, disagreement
from services.review.store import content, deletions
from services.review.store.locks import lock_data, lock_deployment, lock_prediction
from services.review.tables import early, payload, prediction, review, submission, ticket, tombstone

# The predictions topic keeps three days: what has not come after seven never will.
_EARLY_LIVES = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A prediction: its columns with those of its submission, its content, every review."""

    row: RowMapping
    logged: Logged
    revisions: list[Review]


async def add(
    tx: Tx, organization: UUID, deployment: UUID, logged: Sequence[Logged], *, models: Models
) -> list[UUID]:
    """Store what is new of some predictions; the first of an id stays. Returns the new ids.

    `models`: deployed now, whose answers can be compared.
    One whose Data was deleted before it came is stored and deleted at once, so that whoever
    counted it from the bus is told to subtract it.
    """
    await lock_data(tx, organization, shared=True)
    await lock_deployment(tx, deployment)
    first = {one.prediction: one for one in reversed(logged)}
    # An array is one parameter: the statement is the same for every number of predictions.
    ids = any_(literal(list(first), ARRAY(Uuid)))
    known = select(prediction.c.id).where(
        prediction.c.deployment == deployment, prediction.c.id == ids
    )
    gone = select(tombstone.c.id).where(tombstone.c.owner == deployment, tombstone.c.id == ids)
    for row in await tx.all(known.union_all(gone)):
        del first[row["id"]]
    if not first:
        return []
    new = list(first.values())
    rows = await asyncio.to_thread(_rows, organization, new, models)
    await tx.copy(prediction.name, rows)
    await tx.copy(
        payload.name,
        [
            {
                "organization": organization,
                "deployment": deployment,
                "prediction": one.prediction,
                "content": content.encode(one),
            }
            for one in new
        ],
    )
    await tx.copy(
        ticket.name,
        [
            {
                "organization": organization,
                "deployment": deployment,
                "prediction": one.prediction,
                "receive_time": one.receive_time,
            }
            for one in new
            if one.picture is not None
        ],
    )
    await _take_early(tx, organization, deployment, list(first), models=models)
    await deletions.remove_without_data(tx, organization, deployment, new)
    return list(first)


async def find(
    read: Read, organization: UUID, deployment: UUID, prediction_id: UUID
) -> Found | None:
    """One prediction with all that is known of it, from one snapshot."""
    ours = (prediction.c.deployment, prediction.c.id)
    saved = (
        select(func.array_agg(aggregate_order_by(review.c.content, review.c.revision)))
        .where(tuple_(review.c.deployment, review.c.prediction) == tuple_(*ours))
        .scalar_subquery()
    )
    told = (submission.c.state, submission.c.dataset_version, submission.c.asset)
    row = await read.first(
        select(prediction, payload.c.content, *told, submission.c.refused, saved.label("reviews"))
        .join(payload, tuple_(payload.c.deployment, payload.c.prediction) == tuple_(*ours))
        .outerjoin(
            submission, tuple_(submission.c.deployment, submission.c.prediction) == tuple_(*ours)
        )
        .where(
            prediction.c.organization == organization,
            prediction.c.deployment == deployment,
            prediction.c.id == prediction_id,
        )
    )
    if row is None:
        return None
    return Found(
        row=row,
        logged=content.decode_logged(row["content"]),
        revisions=[content.decode_review(one) for one in row["reviews"] or ()],
    )


async def add_shadow(
    tx: Tx,
    organization: UUID,
    deployment: UUID,
    prediction_id: UUID,
    *,
    shadow: Output,
    models: Models,
) -> Logged | None:
    """Add the shadow's answer; the first one stays. Returns the content if it changed.

    The answer to a prediction that has not come yet is kept for it.
    """
    await lock_deployment(tx, deployment)
    row = await lock_prediction(tx, organization, deployment, prediction_id)
    if row is None:
        answer = {"prediction": prediction_id, "content": content.encode(shadow)}
        await _keep_early(tx, organization, deployment, "shadow", [answer])
        return None
    if row["has_shadow"]:
        return None
    held = (await content.logged(tx, organization, deployment, [prediction_id]))[prediction_id]
    logged = msgspec.structs.replace(held, shadow=shadow)
    apart = await asyncio.to_thread(disagreement, logged, models)
    await tx.execute(
        update(payload)
        .where(payload.c.deployment == deployment, payload.c.prediction == prediction_id)
        .values(content=content.encode(logged))
    )
    await tx.execute(
        update(prediction)
        .where(prediction.c.deployment == deployment, prediction.c.id == prediction_id)
        .values(has_shadow=True, disagreement=apart)
    )
    return logged


async def score(tx: Tx, organization: UUID, deployment: UUID, scores: Sequence[Score]) -> None:
    """Store outlier scores; the latest stays. Those of predictions to come are kept for them."""
    await lock_deployment(tx, deployment)
    by_id = {one.prediction: one.outlier for one in scores}
    found = await _set_outliers(tx, organization, deployment, by_id)
    rows = [
        {"prediction": missing, "content": content.encode(by_id[missing])}
        for missing in by_id.keys() - found
    ]
    await _keep_early(tx, organization, deployment, "score", rows)


async def _take_early(
    tx: Tx, organization: UUID, deployment: UUID, new: list[UUID], *, models: Models
) -> None:
    taken = await tx.execute(
        delete(early)
        .where(
            early.c.organization == organization,
            early.c.deployment == deployment,
            early.c.prediction == any_(literal(new, ARRAY(Uuid))),
        )
        .returning(early.c.prediction, early.c.kind, early.c.content)
    )
    rows = taken.mappings().all()
    scores = {
        row["prediction"]: content.decode_score(row["content"])
        for row in rows
        if row["kind"] == "score"
    }
    await _set_outliers(tx, organization, deployment, scores)
    for row in rows:
        if row["kind"] == "shadow":
            shadow = content.decode_output(row["content"])
            named = row["prediction"]
            await add_shadow(tx, organization, deployment, named, shadow=shadow, models=models)


async def _keep_early(
    tx: Tx, organization: UUID, deployment: UUID, kind: str, rows: list[dict[str, Any]]
) -> None:
    """Keep what came before its prediction; of a deleted one nothing. The latest score stays,
    the first shadow."""
    if not rows:
        return
    dead = await tx.all(
        select(tombstone.c.id).where(
            tombstone.c.owner == deployment,
            tombstone.c.id.in_([row["prediction"] for row in rows]),
        )
    )
    gone = {row["id"] for row in dead}
    now = tx.clock.now()
    ours = {"organization": organization, "deployment": deployment, "kind": kind, "received": now}
    kept = [row | ours for row in rows if row["prediction"] not in gone]
    if kept:
        put = insert(early).values(kept)
        await tx.execute(
            put.on_conflict_do_nothing()
            if kind == "shadow"
            else put.on_conflict_do_update(
                index_elements=[early.c.deployment, early.c.prediction, early.c.kind],
                set_={"content": put.excluded.content, "received": put.excluded.received},
            )
        )
    await tx.execute(
        delete(early).where(
            early.c.organization == organization,
            early.c.deployment == deployment,
            early.c.received < now - _EARLY_LIVES,
        )
    )


async def _set_outliers(
    tx: Tx, organization: UUID, deployment: UUID, outliers: dict[UUID, float]
) -> set[UUID]:
    """Set outlier scores; returns the predictions that are there."""
    if not outliers:
        return set()
    scored = (
        func.unnest(
            literal(list(outliers), ARRAY(Uuid)), literal(list(outliers.values()), ARRAY(Float))
        )
        .table_valued("id", "outlier", name="scored")
        .render_derived()
    )
    done = await tx.execute(
        update(prediction)
        .where(
            prediction.c.organization == organization,
            prediction.c.deployment == deployment,
            prediction.c.id == scored.c.id,
        )
        .values(outlier=scored.c.outlier)
        .returning(prediction.c.id)
    )
    return {row[0] for row in done}


def _rows(organization: UUID, new: Sequence[Logged], models: Models) -> list[dict[str, object]]:
    ours: dict[str, object] = {"organization": organization}
    return [ours | columns_of(one) | {"disagreement": disagreement(one, models)} for one in new]
