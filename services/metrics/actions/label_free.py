"""What the numbers of images will be before they are reviewed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged
from libs.schemas.values import TaskType
from libs.store.session import Read
from services.metrics.actions.dashboard import State
from services.metrics.actions.reviewed import Chosen, pi_of, role_of
from services.metrics.core.content import Side, unpack
from services.metrics.core.ranges import Range
from services.metrics.core.supervised import label_free
from services.metrics.core.supervised.detections import Detections
from services.metrics.core.supervised.label_free import Calibrated, Tested
from services.metrics.core.supervised.predicted import Image, Predicted, Truth, predicted
from services.metrics.parts import Metrics
from services.metrics.store import predictions, reviews

Document = dict[str, Any]
Floats = NDArray[np.float64]

IMAGES = 2000
KIND = "label-free estimate"
_DETECTION, _CLASSIFICATION = ("precision", "recall", "f1"), ("accuracy",)
_REVIEWS = label_free.MOST + label_free.MOST_ERRORS * label_free.WINDOW


async def of_range(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: DeploymentChanged,
    asked: Range,
    *,
    state: State,
    chosen: Chosen,
) -> Document:
    """The estimate for the newest 2,000 images of a range, and how it did on reviewed ones."""
    which = organization, deployment.deployment
    classifier = deployment.type is TaskType.CLASSIFICATION
    # Of a classifier the best class counts whatever its score.
    threshold = 0.0 if classifier else chosen.threshold
    key = ("label-free", deployment.deployment, chosen.version, threshold, state.reviewed)
    kept = parts.qualities.get(key)
    if kept is None:
        rows = await reviews.drawn(
            read, *which, version=chosen.version, limit=_REVIEWS, whole=label_free.WINDOW
        )
        learned = await asyncio.to_thread(
            _learned, rows, chosen.version, len(state.names), threshold
        )
        kept = parts.qualities.put(key, {"learned": learned})
    known: Learned = kept["learned"]
    newest = await predictions.newest_contents(read, *which, asked.start, asked.end, limit=IMAGES)
    live = await asyncio.to_thread(_live, newest, state.versions, chosen.version, classifier)
    names = _CLASSIFICATION if classifier else _DETECTION
    values, curve = np.full(3, np.nan), None
    if known.model is not None and live.images:
        alike = np.ones(live.images)
        values = label_free.estimate(known.model, live, alike, np.array([threshold]))[0]
        if not classifier:
            swept = label_free.estimate(known.model, live, alike, label_free.SWEEP)
            curve = {
                "threshold": label_free.SWEEP.tolist(),
                "precision": _numbers(swept[:, 0]),
                "recall": _numbers(swept[:, 1]),
            }
    numbers = [_number(name, float(values[i]), known, number=i) for i, name in enumerate(names)]
    return {
        "kind": KIND,
        "from": asked.start,
        "to": asked.end,
        "version": chosen.version,
        "threshold": chosen.threshold,
        "images": live.images,
        "reviewed": known.reviewed,
        "needed": label_free.LEAST,
        "window": label_free.WINDOW,
        "limit": label_free.LIMIT,
        "t": known.times,
        "numbers": numbers,
        "precision_recall": None if any(one["state"] == "off" for one in numbers) else curve,
    }


def _number(name: str, value: float, known: "Learned", *, number: int) -> Document:
    tested = known.tested
    error, half = tested.latest(number), tested.half_width(number)
    if known.model is None:
        state = "collecting"
    elif error is None:
        state = "unproved"
    else:
        state = "off" if error > label_free.LIMIT else "on"
    shown = None if state in ("collecting", "off") or value != value else value
    told = shown is not None and half is not None
    return {
        "name": name,
        "state": state,
        "value": shown,
        "low": max(value - half, 0.0) if told and half is not None else None,
        "high": min(value + half, 1.0) if told and half is not None else None,
        "error": error,
        "estimated": _numbers(tested.said[:, number]),
        "realised": _numbers(tested.seen[:, number]),
    }


def _learned(
    rows: Sequence[RowMapping], version: UUID, classes: int, threshold: float
) -> "Learned":
    """From drawn reviews in the order of their images."""
    found = [row for row in rows if _judged(row, role_of(row, version)) and pi_of(row) is not None]
    roles = [role_of(row, version) for row in found]
    weights = np.array([1 / (pi_of(row) or 1.0) for row in found])
    contents = [None if row["content"] is None else unpack(row["content"]) for row in found]
    told = [
        Image(
            side=_best(row[f"{role}_class"], row[f"{role}_score"]),
            outlier=row["outlier"],
            disagrees=None if content is None else content.disagrees,
        )
        for row, role, content in zip(found, roles, contents, strict=True)
    ]
    boxes = predicted(told)
    if found and found[0][f"{roles[0]}_state"] is not None:
        states = [row[f"{role}_state"] for row, role in zip(found, roles, strict=True)]
        seen = Detections.of(states, classes=classes, threshold=threshold)
        order = np.argsort(seen.image, kind="stable")
        boxes = Predicted.of(
            image=seen.image,
            label=seen.columns.classes.astype(np.int64),
            score=seen.columns.scores,
            outlier=boxes.features[:, 2],
            disagrees=boxes.features[:, 3],
        )
        truth = Truth(seen.hit[order], seen.of_image[:, 2], weights)
    else:
        right = [
            row["truth"] == row[f"{role}_class"] for row, role in zip(found, roles, strict=True)
        ]
        truth = Truth(np.array(right, dtype=bool), np.ones(len(found)), weights)
    newest = slice(max(boxes.images - label_free.MOST, 0), boxes.images)
    enough = boxes.images >= label_free.LEAST
    tested = label_free.tested(boxes, truth, threshold)
    return Learned(
        reviewed=boxes.images,
        model=label_free.fit(boxes.part(newest), truth.part(newest, boxes)) if enough else None,
        tested=tested,
        times=[found[end]["event_time"].timestamp() for end in tested.ends.tolist()],
    )


def _judged(row: RowMapping, role: str) -> bool:
    return row[f"{role}_state"] is not None or row["truth"] is not None


def _live(
    rows: Sequence[RowMapping], versions: Sequence[UUID], version: UUID, classifier: bool
) -> Predicted:
    """The images that a version answered."""
    if version not in versions:
        return predicted([])
    at = list(versions).index(version)
    images = []
    for row in rows:
        content = unpack(row["content"])
        for side in (content.champion, content.shadow):
            if side is not None and side.version == at:
                if classifier and not side.classes:
                    side = _best(None, None)
                images.append(Image(side=side, outlier=row["outlier"], disagrees=content.disagrees))
                break
    return predicted(images)


def _best(label: int | None, score: float | None) -> Side:
    """A classifier's answer; none is a class of its own that is never right."""
    return Side(0.0, [-1 if label is None else label], [score or 0.0])


def _numbers(values: Floats) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What drawn reviews teach: nothing (`model` None) while there are fewer than 200."""

    reviewed: int
    model: Calibrated | None
    tested: Tested
    times: list[float]
