"""Scores pictures against their deployment's reference, newest first, as time allows."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import RowMapping

from libs.blobs.blobs import BlobNotFound
from libs.schemas.events import PredictionsScored, Score
from libs.store.faults import is_transient
from libs.store.leases import acquire
from libs.store.session import Tx
from libs.telemetry.metrics import counter, gauge
from services.metrics.actions.backbones import Running
from services.metrics.actions.bases import basis_of
from services.metrics.actions.embedding import Embedding, embed_pictures
from services.metrics.core import aggregate, looks
from services.metrics.core.basis import Basis, BoxFacts
from services.metrics.core.content import unpack
from services.metrics.core.rollup import Bucket
from services.metrics.core.scored import Scored
from services.metrics.parts import Metrics
from services.metrics.store import backbones, predictions, progress, references, rollups

_IDLE = 0.5
_LEASE = timedelta(seconds=60)
_EXTRA = 512  # images beyond the window that one turn looks back over

pictures_scored = counter(
    "metrics_pictures_scored_total", "Pictures compared with a reference, by outcome.", ["outcome"]
)
scoring_behind = gauge(
    "metrics_scoring_behind",
    "1 while more pictures wait than one turn takes: scoring is behind.",
    wrong=True,
)
log = structlog.get_logger()


async def keep_scored(parts: Metrics) -> None:
    """Score what waits, for as long as the process runs.

    Of several processes one scores a deployment at a time. While more waits than a turn takes,
    the loop works `scoring_share` of the time and rests the others, newest pictures first.
    """
    holder = uuid4()
    running = Running(parts)
    try:
        while True:
            started = time.perf_counter()
            try:
                full = await _turn(parts, holder, running)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("scoring waits", error=str(error))
                full = False
            scoring_behind.set(full)
            spent = time.perf_counter() - started
            rest = spent * (1 / parts.settings.scoring_share - 1)
            await asyncio.sleep(rest if full else max(_IDLE, rest))
    finally:
        await running.close()


async def _turn(parts: Metrics, holder: UUID, running: Running) -> bool:
    """One batch of each deployment; whether any of them has more."""
    async with parts.database.single() as read:
        ready = await references.all_ready(read)
    full = False
    for row in ready:
        full = await _score_some(parts, row, holder, running) or full
    return full


async def _score_some(
    parts: Metrics, reference: RowMapping, holder: UUID, running: Running
) -> bool:
    organization, deployment = reference["organization"], reference["deployment"]
    limit = parts.settings.scoring_batch
    async with parts.database.read() as read:
        rows = await references.pending(read, organization, deployment, limit=limit)
    if not rows:
        if reference["formers"]:
            async with parts.database.begin() as tx:
                await backbones.forget_formers(tx, organization, deployment, reference["id"])
        return False
    async with parts.database.begin() as tx:
        if not await acquire(tx, f"scoring {deployment}", holder=holder, duration=_LEASE):
            return False
    try:
        basis = await basis_of(parts, reference)
    except BlobNotFound:
        log.error("the reference's file is gone: set the training data anew", key=reference["key"])
        return False
    backbone = None
    if reference["backbone"] is not None:
        backbone = await running.get(organization, reference["backbone"])
        if backbone is None:
            return False
    embeddings = await embed_pictures(parts, [row["picture"] for row in rows], backbone=backbone)
    if backbone is not None and backbone.failed is not None:
        # The picture that it failed at counts as unreadable; the others wait for the next turn.
        rows = rows[: len(embeddings)]
        log.warning("a backbone failed", picture=rows[-1]["picture"], why=backbone.failed)
    known = parts.deployments.get(str(deployment))
    threshold = known.data.champion.threshold if known is not None else 0.0
    found = await asyncio.to_thread(_scored, basis, rows, embeddings, threshold)
    await _store(parts, reference, basis, rows=rows, found=found, embeddings=embeddings)
    return len(rows) == limit


def _scored(
    basis: Basis,
    rows: Sequence[RowMapping],
    embeddings: Sequence[Embedding | None],
    threshold: float,
) -> dict[UUID, Scored]:
    found = {}
    for row, embedding in zip(rows, embeddings, strict=True):
        if embedding is None:
            continue
        content = unpack(row["content"])
        champion = content.champion
        shown = zip(champion.boxes, champion.scores, strict=False)
        areas = [w * h for (_, _, w, h), score in shown if score >= threshold]
        facts = BoxFacts.of(areas, image=content.width * content.height)
        found[row["id"]] = basis.score(embedding, facts)
    return found


async def _store(
    parts: Metrics,
    reference: RowMapping,
    basis: Basis,
    *,
    rows: Sequence[RowMapping],
    found: dict[UUID, Scored],
    embeddings: Sequence[Embedding | None],
) -> None:
    """Replace the scored part of the rollups and rows, look at the window, tell the scores."""
    organization, deployment = reference["organization"], reference["deployment"]
    by_id = {row["id"]: embedding for row, embedding in zip(rows, embeddings, strict=True)}
    scores = []
    async with parts.database.begin() as tx:
        current = await references.find(tx, organization, deployment)
        if current is None or current["id"] != reference["id"]:
            return
        buckets: dict[Any, list[Bucket]] = {}
        for row in await predictions.lock(tx, organization, deployment, by_id):
            before, after = Scored.of_row(row), found.get(row["id"])
            changes = buckets.setdefault(row["event_time"], [])
            if before is not None:
                changes.append(-before.bucket())
            embedding = by_id[row["id"]]
            if after is None or embedding is None:
                await references.set_scored(tx, deployment, row["id"], **_NOTHING)
                pictures_scored.labels("unreadable").inc()
                continue
            changes.append(after.bucket())
            short = basis.short(embedding)
            await references.set_scored(
                tx,
                deployment,
                row["id"],
                reference=reference["id"],
                outlier=after.outlier,
                alarm=after.alarm,
                features=after.packed(),
                embedding=short,
            )
            scores.append(Score(prediction=row["id"], outlier=after.outlier, embedding=short))
            pictures_scored.labels("scored").inc()
        deltas = aggregate.spread({t: Bucket.total(some) for t, some in buckets.items() if some})
        times = [row["event_time"] for row in rows if row["id"] in found]
        await _look(tx, reference, basis, times)
        moved = await progress.advance(tx, organization, deployment, scored=1)
        await rollups.add(tx, organization, deployment, deltas, moved=moved)
        if scores:
            event = PredictionsScored(
                deployment=deployment, reference=reference["id"], scores=scores
            )
            await tx.emit(event, organization=organization)


async def _look(tx: Tx, reference: RowMapping, basis: Basis, times: Sequence[datetime]) -> None:
    """Look where images of these times came in; looks that now have other windows are redone.

    Newest first means that an image may come in before those that have been looked at already.
    """
    which = reference["organization"], reference["deployment"], reference["id"]
    limit = basis.window + _EXTRA
    live = await references.live_features(tx, *which, limit=limit)
    if not times or len(live) < basis.window:
        return
    # Where there is more than was read, the windows of its oldest images are not whole.
    first = live[-basis.window if len(live) == limit else -1]["event_time"]
    within = [time for time in times if time >= first]
    if not within:
        return
    await references.forget_looks(tx, *which, since=min(within))
    last = await references.last_look(tx, *which)
    made = await asyncio.to_thread(
        looks.taken,
        basis,
        [row["event_time"] for row in reversed(live)],
        [row["features"] for row in reversed(live)],
        after=last["time"] if last is not None else None,
    )
    await references.add_looks(
        tx,
        [
            {
                "deployment": reference["deployment"],
                "reference": reference["id"],
                "organization": reference["organization"],
                "time": one.time,
                "d": float(one.d.max()),
                "alarm": one.alarm,
                "of_features": one.d.astype("<f8").tobytes(),
                "p_values": one.p.astype("<f8").tobytes(),
            }
            for one in made
        ],
    )


_NOTHING: dict[str, Any] = {
    "reference": None,
    "outlier": None,
    "alarm": None,
    "features": None,
    "embedding": None,
}
