"""A review beside what the models said: matched once, kept for every later question."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.schemas.events import PredictionReviewed
from libs.schemas.values import Logged, Output, ReviewShapes, TaskType
from libs.store.session import Tx
from libs.vision.ap import average_precision
from libs.vision.boxes import iou
from libs.vision.masks import compared
from libs.vision.matching import match, match_masks
from services.metrics.actions.deployments import registers
from services.metrics.core.supervised.errors import items_of
from services.metrics.parts import Metrics
from services.metrics.store import progress

_JUDGED = ("state", "items", "ap", "class", "score")


async def judged(
    parts: Metrics, tx: Tx, organization: UUID, event: PredictionReviewed
) -> dict[str, Any]:
    """The review's row: what matching found by role, or for classification the classes."""
    logged, review = event.logged, event.review
    outputs = [output for output in (logged.champion, logged.shadow) if output is not None]
    at = await registers(parts, tx, organization, logged.deployment, outputs)
    names = await progress.register_all(tx, organization, logged.deployment, review.shapes.labels)
    truth = [names.labels[label] for label in review.shapes.labels]
    row: dict[str, Any] = {
        "deployment": logged.deployment,
        "prediction": logged.prediction,
        "organization": organization,
        "event_time": logged.event_time,
        "revision": review.revision,
        "champion_version": logged.champion.version,
        "shadow_version": logged.shadow.version if logged.shadow else None,
        "truth": None,
        "source": logged.source,
        "tags": logged.tags,
        "draw": review.draw,
        "pi": review.pi,
        "block": review.block,
        **{f"{role}_{name}": None for role in ("champion", "shadow") for name in _JUDGED},
    }
    for role, output in (("champion", logged.champion), ("shadow", logged.shadow)):
        if output is None:
            continue
        register = at.classes[output.version]
        if logged.type is TaskType.CLASSIFICATION:
            row[f"{role}_class"] = next((register[c] for c in output.shapes.classes), None)
            row[f"{role}_score"] = next(iter(output.shapes.scores), None)
        else:
            matched = await asyncio.to_thread(
                _matched, logged, output, register, review.shapes, truth
            )
            row |= {f"{role}_{name}": value for name, value in matched.items()}
    if logged.type is TaskType.CLASSIFICATION:
        row["truth"] = next(iter(truth), None)
    return row


def _matched(
    logged: Logged,
    output: Output,
    register: Sequence[int],
    review: ReviewShapes,
    truth: Sequence[int],
) -> dict[str, Any]:
    """Polygons are matched by their masks, boxes by themselves."""
    shapes = output.shapes
    classes, scores = [register[c] for c in shapes.classes], shapes.scores
    if logged.type is TaskType.SEGMENTATION:
        found = compared(shapes.polygons, review.polygons, width=logged.width, height=logged.height)
        overlap, state = found.overlap, match_masks(found, classes, scores, truth).pack()
    else:
        overlap = iou(shapes.boxes, review.boxes)
        state = match(shapes.boxes, classes, scores, review.boxes, truth).pack()
    return {
        "state": state,
        "items": items_of(overlap, classes, scores, truth),
        "ap": average_precision(state, classes=max([*classes, *truth], default=-1) + 1),
    }
