"""A deployment's dashboard, read from rollups and put together off the loop."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged
from libs.store.session import Read
from services.metrics.actions.mirrors import refreshed
from services.metrics.actions.reviewed import on_reviewed
from services.metrics.core import buckets, dashboard, heat
from services.metrics.core.dashboard import Document, Facts
from services.metrics.core.ks import benjamini_hochberg
from services.metrics.core.ranges import Range
from services.metrics.parts import Metrics
from services.metrics.store import backbones, predictions, progress, references

POINTS = 2000
LAST = 5
_Q = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a deployment's numbers stand. `tag`: an ETag that changes with every one of them."""

    tag: str
    moved: int
    reviewed: int
    names: list[str]
    versions: list[UUID]
    reference: RowMapping | None


def etag(*facts: object) -> str:
    """An ETag that changes with any of these facts."""
    return f'"{hashlib.blake2b(repr(facts).encode(), digest_size=12).hexdigest()}"'


async def state_of(
    read: Read, organization: UUID, deployment: DeploymentChanged, asked: Range
) -> State:
    """How the numbers of a dashboard stand: one read by key."""
    standing = await progress.standing(read, organization, deployment.deployment)
    facts = (
        [str(standing[name]) for name in ("logged", "scored", "reviewed", "referenced")],
        organization,
        deployment.deployment,
        deployment.revision,
        asked.start.isoformat(),
        asked.end.isoformat(),
        sorted(str(item) for item in describe(standing).items()),
    )
    return State(
        tag=etag(*facts),
        moved=standing["moved"] or 0,
        reviewed=standing["reviewed"] or 0,
        names=standing["names"] or [],
        versions=standing["versions"] or [],
        reference=standing if standing["id"] is not None else None,
    )


async def assemble(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: DeploymentChanged,
    asked: Range,
    *,
    state: State,
) -> Document:
    """The whole document."""
    which = organization, deployment.deployment
    names = state.names
    row = state.reference
    ready = row if row is not None and row["ready"] is not None else None
    spans, covered = (
        buckets.cover(asked.start, asked.end), buckets.cover_hours(asked.start, asked.end)
    )  # fmt: skip
    mirror = await refreshed(
        parts, read, *which, moved=state.moved, spans=[*spans, asked.span], heat=covered
    )
    within = [packed for span in spans for _, packed in mirror.buckets(span)]
    chart = mirror.buckets(asked.span)
    heats = heat.total(mirror.sum_of(span) or {} for span in covered)
    charted = [packed.charted for packed in within]
    few = dashboard.predictions_in(charted) <= POINTS
    newest = await predictions.newest(
        read, *which, asked.start, asked.end, limit=POINTS if few else LAST
    )
    hidden = await _hidden(read, organization, ready, asked) if ready is not None else None
    drift = await _drift(read, organization, ready, asked) if ready is not None else None
    judged = await on_reviewed(
        parts, read, organization, deployment, asked, reviewed=state.reviewed, names=names
    )
    facts = Facts(
        chart=[((start - asked.first) // asked.width.width, some.charted) for start, some in chart],
        points=asked.points,
        totals=[*charted, *(packed.rest for packed in within)],
        heats=heats,
        names=names,
        labels=deployment.champion.labels,
        training=(ready["labels"] or None) if ready is not None else None,
        compared=ready is not None,
    )
    columns = await asyncio.to_thread(dashboard.document, facts)
    step = asked.width.width
    if columns["outlier"] is not None:
        before = 0 if hidden is None else min((hidden - asked.first) // step, asked.points)
        for name in ("p50", "p95", "share_alarm"):
            columns["outlier"][name][:before] = [None] * before
        columns["outlier"]["comparable_from"] = hidden
    return {
        "from": asked.start,
        "to": asked.end,
        "bucket_seconds": int(step.total_seconds()),
        "t": [int((asked.first + i * step).timestamp()) for i in range(asked.points)],
        **columns,
        "points": [_point(one, hidden) for one in reversed(newest)] if few else None,
        "drift": drift,
        "last": [
            {
                "prediction": one["id"],
                "data": one["data"],
                "t": one["event_time"].timestamp(),
            }
            for one in newest[:LAST]
        ],
        "quality": judged,
        "reference": describe(row),
    }


def describe(row: RowMapping | None) -> Document:
    """A reference as the interface shows it; its job says how far it is, or why it failed."""
    if row is None or row["id"] is None:
        return {
            "state": "none", "dataset_version": None, "done": 0, "total": 0, "images": 0,
            "error": None, "job": None, "origin": None, "pinned": False, "backbone": None,
        }  # fmt: skip
    state = "computing"
    if row["ready"] is not None:
        state = "ready"
    elif row["job_state"] in ("FAILED", "CANCELLED"):
        state = "failed"
    ready = state == "ready"
    error = row["job_error"] or ("the job was cancelled" if state == "failed" else None)
    return {
        "state": state,
        "dataset_version": row["dataset_version"],
        "done": row["images"] if ready else row["job_done"] or 0,
        "total": row["images"] if ready else row["job_total"] or 0,
        "images": row["images"],
        "error": error if state == "failed" else None,
        "job": row["job"],
        "origin": row["origin"],
        "pinned": row["pinned"],
        "backbone": None
        if row["backbone"] is None
        else {"id": row["backbone"], "name": row["backbone_name"]},
    }


async def _hidden(
    read: Read, organization: UUID, ready: RowMapping, asked: Range
) -> datetime | None:
    """The bucket's end up to which scores of another embedding are among the outlier scores.

    Pictures are scored anew from the newest on: what is not yet is not shown beside what is.
    """
    if not ready["formers"]:
        return None
    which = organization, ready["deployment"]
    newest = await backbones.scored_otherwise(read, *which, ready["formers"])
    if newest is None or newest < asked.first:
        return None
    step = asked.width.width
    return asked.first + ((newest - asked.first) // step + 1) * step


async def _drift(
    read: Read, organization: UUID, ready: RowMapping, asked: Range
) -> Document | None:
    which = organization, ready["deployment"], ready["id"]
    last = await references.last_look(read, *which)
    if last is None:
        return None
    looks = await references.looks(read, *which, asked.start, asked.end, limit=POINTS)
    n, m = ready["compared"], ready["window"]
    threshold = float(ready["threshold"] / np.sqrt(n * m / (n + m)))
    d = np.frombuffer(last["of_features"], dtype="<f8")
    p = np.frombuffer(last["p_values"], dtype="<f8")
    rejected = benjamini_hochberg(p) <= _Q
    rows = zip(ready["features"], d.tolist(), p.tolist(), rejected.tolist(), strict=True)
    return {
        "t": [look["time"].timestamp() for look in reversed(looks)],
        "d": [look["d"] for look in reversed(looks)],
        "threshold": threshold,
        "alarm": last["alarm"],
        "features": [
            {"name": name, "d": value, "threshold": threshold, "p": chance, "rejected": reject}
            for name, value, chance, reject in rows
        ],
        "window": m,
    }


def _point(row: RowMapping, hidden: datetime | None) -> dict[str, Any]:
    return {
        "prediction": row["id"],
        "t": row["event_time"].timestamp(),
        "latency": row["latency"],
        "outlier": None if hidden is not None and row["event_time"] < hidden else row["outlier"],
        "boxes": row["boxes"],
    }
