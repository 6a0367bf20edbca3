"""Quality of the models of a deployment on the reviewed images of a range."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged
from libs.schemas.values import TaskType
from libs.store.session import Read
from services.metrics.actions import pools
from services.metrics.core.ranges import Range
from services.metrics.core.supervised import harm, quality, report
from services.metrics.core.supervised.detections import Detections
from services.metrics.core.supervised.report import REVIEWED, Reviewed
from services.metrics.parts import Metrics
from services.metrics.store import reviews

Document = dict[str, Any]

_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


async def on_reviewed(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: DeploymentChanged,
    asked: Range,
    *,
    reviewed: int,
    names: list[str],
) -> Document:
    """What the present champion and the present shadow said of reviewed images.

    Whichever role a version had when it answered: after a promotion the new champion brings
    what it said as shadow.
    """
    deployed = [deployment.champion, deployment.shadow]
    key = (
        deployment.deployment, asked.start, asked.end, reviewed, len(names),
        *((model.version, model.threshold) for model in deployed if model is not None),
    )  # fmt: skip
    kept = parts.qualities.get(key)
    if kept is not None:
        return kept
    document: Document = {
        "kind": REVIEWED, "reviewed": 0, "champion": None, "shadow": None
    }  # fmt: skip
    roles = [
        (role, model)
        for role, model in zip(("champion", "shadow"), deployed, strict=True)
        if model is not None
    ]
    if reviewed and deployment.type is TaskType.CLASSIFICATION:
        which = organization, deployment.deployment
        rows = await reviews.of_range(read, *which, asked.start, asked.end)
        document["reviewed"] = len(rows)
        for role, model in roles:
            document[role] = await asyncio.to_thread(_classified, rows, model.version, names)
    elif reviewed:
        document["reviewed"], found = await pools.of_models(
            parts, read, organization, deployment.deployment, asked,
            models=[model for _, model in roles], names=names,
        )  # fmt: skip
        document |= {role: one for (role, _), one in zip(roles, found, strict=True)}
    return parts.qualities.put(key, document)


def _classified(rows: list[RowMapping], version: UUID, names: list[str]) -> Document | None:
    pairs = [
        (row["truth"], row[f"{role}_class"])
        for row in rows
        for role in ("champion", "shadow")
        if row[f"{role}_version"] == version and row["truth"] is not None
    ]
    return quality.classification(pairs, names) if pairs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which of the reviewed images, and whose answers. `threshold`: of scores shown."""

    version: UUID
    threshold: float
    source: str | None = None
    tag: str | None = None


async def in_full(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: DeploymentChanged,
    asked: Range,
    *,
    chosen: Chosen,
    reviewed: int,
    names: list[str],
) -> Document:
    """All that reviews say of one model version in a range; null where nothing was reviewed."""
    key = (deployment.deployment, asked.start, asked.end, reviewed, len(names), chosen)
    kept = parts.qualities.get(key)
    if kept is not None:
        return kept
    which = organization, deployment.deployment
    rows = await reviews.of_range(read, *which, asked.start, asked.end, version=chosen.version)
    skipped = await reviews.skipped_of_range(read, *which, asked.start, asked.end)
    # Of skipped images neither source nor tags are known.
    weights = None if chosen.source or chosen.tag else [1 / pi for pi in skipped if pi > 0]
    document = await asyncio.to_thread(_report, rows, chosen, deployment.type, names, weights)
    return parts.qualities.put(
        key,
        {
            "from": asked.start,
            "to": asked.end,
            "version": chosen.version,
            "threshold": chosen.threshold,
            "source": chosen.source,
            "tag": chosen.tag,
            **document,
        },
    )


async def images_of(
    read: Read, organization: UUID, deployment: DeploymentChanged, asked: Range, *, version: UUID
) -> Document:
    """Each reviewed image's own AP of a version, or whether it was right, by event time."""
    which = organization, deployment.deployment
    rows = await reviews.of_range(read, *which, asked.start, asked.end, version=version)
    ordered = sorted(rows, key=lambda row: row["event_time"])
    roles = [role_of(row, version) for row in ordered]
    classifier = deployment.type is TaskType.CLASSIFICATION
    return {
        "prediction": [row["prediction"] for row in ordered],
        "t": [row["event_time"].timestamp() for row in ordered],
        "ap": None
        if classifier
        else [row[f"{role}_ap"] for row, role in zip(ordered, roles, strict=True)],
        "right": [
            row["truth"] == row[f"{role}_class"] for row, role in zip(ordered, roles, strict=True)
        ]
        if classifier
        else None,
        "pi": [pi_of(row) for row in ordered],
    }


async def harm_of(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: DeploymentChanged,
    *,
    reviewed: int,
    names: list[str],
) -> Document:
    """The harm alarm of the present champion, over all its drawn reviews.

    Only images whose draw gave every image the same chance count: weights are then all one.
    """
    champion = deployment.champion
    key = ("harm", deployment.deployment, champion.version, champion.threshold, reviewed)
    kept = parts.qualities.get(key)
    if kept is not None:
        return kept
    which = organization, deployment.deployment
    rows = await reviews.of_range(read, *which, _EVER[0], _EVER[1], version=champion.version)
    drawn = [row for row in rows if row["pi"] is not None and row["draw"] is not None]
    document = await asyncio.to_thread(_harm, drawn, deployment, names)
    return parts.qualities.put(key, document)


def _harm(rows: list[RowMapping], deployment: DeploymentChanged, names: list[str]) -> Document:
    version = deployment.champion.version
    chances: dict[UUID, set[float]] = {}
    for row in rows:
        chances.setdefault(row["draw"], set()).add(row["pi"])
    ordered = sorted(
        (row for row in rows if len(chances[row["draw"]]) == 1), key=lambda row: row["event_time"]
    )
    images = [_image(row, role_of(row, version)) for row in ordered]
    if deployment.type is TaskType.CLASSIFICATION:
        losses = np.array([image.truth != image.said for image in images], dtype=np.float64)
    else:
        found = Detections.of(
            [image.state or b"" for image in images],
            classes=len(names),
            threshold=deployment.champion.threshold,
        )
        losses = 1.0 - found.image_f1
    seen = harm.watch(losses)
    since = ordered[seen.baseline :]
    return {
        "version": version,
        "state": "collecting"
        if seen.bound is None
        else ("watching" if seen.rang is None else "ringing"),
        "baseline": {
            "images": seen.baseline,
            "needed": harm.BASELINE,
            "loss": float(losses[: seen.baseline].mean()) if seen.baseline else None,
            "bound": seen.bound,
        },
        "margin": harm.MARGIN,
        "images": len(since),
        "loss": float(losses[seen.baseline :].mean()) if since else None,
        "t": [row["event_time"].timestamp() for row in since],
        "evidence": (seen.evidence / np.log(10)).tolist(),
        "threshold": float(np.log10(2 / harm.ALPHA)),
        "rang": None if seen.rang is None else since[seen.rang]["event_time"],
        "alpha": harm.ALPHA,
    }


def _report(
    rows: list[RowMapping],
    chosen: Chosen,
    kind: TaskType,
    names: list[str],
    skipped: list[float] | None,
) -> Document:
    images = [
        _image(row, role_of(row, chosen.version))
        for row in rows
        if chosen.source in (None, row["source"])
        and (chosen.tag is None or chosen.tag in row["tags"])
    ]
    if kind is TaskType.CLASSIFICATION:
        images = [image for image in images if image.truth is not None]
    else:
        images = [image for image in images if image.state is not None]
    if not images:
        return {"images": 0, "report": None}
    if kind is TaskType.CLASSIFICATION:
        found = report.classification(images, names=names, skipped=skipped)
    else:
        found = report.detection(images, names=names, threshold=chosen.threshold, skipped=skipped)
    return {"images": len(images), "report": found}


def _image(row: RowMapping, role: str) -> Reviewed:
    pi = pi_of(row)
    return Reviewed(
        state=row[f"{role}_state"],
        items=row[f"{role}_items"],
        truth=row["truth"],
        said=row[f"{role}_class"],
        score=row[f"{role}_score"],
        weight=None if pi is None else 1 / pi,
        block=row["block"],
        source=row["source"],
        tags=row["tags"],
        hour=row["event_time"].astimezone(UTC).hour,
    )


def role_of(row: RowMapping, version: UUID) -> str:
    """As what a version answered; as champion where it was both."""
    return "champion" if row["champion_version"] == version else "shadow"


def pi_of(row: RowMapping) -> float | None:
    """With what probability an image came to be reviewed; None: a human picked it."""
    pi: float | None = row["pi"]
    if pi is None:
        return None
    share: float = row["share"] if row["share"] is not None else 1.0
    return pi * share if pi * share > 0 else None
