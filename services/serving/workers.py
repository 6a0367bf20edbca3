"""What serving does by itself: keep models loaded, tell so, and send its log to ingest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import TypeVar

import msgspec
import structlog

from libs.api.health import Component
from libs.runtime.settings import BadSettings
from libs.schemas.faults import Transient
from libs.telemetry.metrics import counter, gauge
from services.serving.actions import models
from services.serving.actions.shipping import (
    Fate,
    Outcome,
    Parcel,
    send_predictions,
    send_shadow,
)
from services.serving.core.entries import Entry, PredictionEntry, ShadowEntry, decode_entry
from services.serving.errors import CacheUnusable
from services.serving.parts import Serving
from services.serving.store.segments import Waiting

T = TypeVar("T")

log = structlog.get_logger()
refused = counter(
    "serving_log_refused", "Log entries that ingest will never take, kept aside.", wrong=True
)
waiting = gauge("serving_log_bytes", "Bytes of log entries that wait for ingest.", wrong=True)
_BATCH = 64
_BATCH_BYTES = 4 * 2**20
_SHADOWS_AT_ONCE = 4
_BACKOFF, _BACKOFF_LIMIT = 0.2, 5.0
_STUCK_SECONDS = 60.0
_LAST_SECONDS = 5.0


async def prepare(parts: Serving) -> None:
    """Take up what an earlier process left on disk. Raises BadSettings."""
    try:
        await asyncio.to_thread(parts.files.open)
        await asyncio.to_thread(parts.spool.open)
    except CacheUnusable as error:
        raise BadSettings(f"SIGHTLOOP_SERVING_CACHE: {error}") from error


async def keep_loaded(parts: Serving) -> None:
    """Load what is deployed, one model at a time."""
    while True:
        deployment = await parts.shelf.next()
        await models.refresh(parts, deployment)
        models.try_again(parts, deployment)


async def tell(parts: Serving) -> None:
    """Publish what was loaded and what could not be."""
    while True:
        message = await parts.shelf.news.get()
        while True:
            try:
                await parts.sink.publish([message])
                break
            except Transient as error:
                log.warning("news not published, will be", reason=str(error))
                await asyncio.sleep(_BACKOFF_LIMIT)


async def send_log(parts: Serving) -> None:
    """Send log entries in order until stopped; what is left then waits on disk."""
    try:
        while True:
            await parts.spool.something()
            await _send_next(parts)
    except asyncio.CancelledError:
        await _send_last(parts)
        raise
    finally:
        parts.champions.close()
        parts.shadows.close()
        parts.spool.close()


def health(parts: Serving) -> Component:
    """Ready as long as predictions can be taken; says so when ingest takes none."""
    reason = ""
    since = parts.flow.since
    if since is not None:
        seconds = parts.clock.monotonic() - since
        if seconds > _STUCK_SECONDS:
            reason = (
                f"{parts.spool.size} bytes of predictions have waited for ingest for "
                f"{seconds:.0f} s: {parts.flow.reason}"
            )
    room = parts.spool.size < parts.settings.spool_limit
    return Component("serving.log", room, reason=reason)


async def _send_last(parts: Serving) -> None:
    """One more try, for a process that does not find its folder again."""
    for task in list(parts.background):
        task.cancel()
    try:
        async with asyncio.timeout(_LAST_SECONDS):
            while parts.spool.size and parts.flow.since is None:
                await _send_next(parts, last=True)
    except TimeoutError:
        log.warning("log entries are left on disk", bytes=parts.spool.size)


async def _send_next(parts: Serving, *, last: bool = False) -> None:
    """Send what is due of the next records. Returns when they are done, or (last) once tried."""
    records = await parts.spool.peek(count=_BATCH, size=_BATCH_BYTES)
    entries = [_decoded(record) for record in records]
    due = len(entries) if last else await _due(parts, entries)
    if not due:
        return
    spooled = {entry.prediction: entry for entry in entries if isinstance(entry, ShadowEntry)}
    parcels = [
        Parcel(entry, parts.awaited.take(entry.prediction, spooled.get(entry.prediction)))
        for entry in entries[:due]
        if isinstance(entry, PredictionEntry)
    ]
    try:
        if not await _until_done(parts, parcels, _try_predictions, last=last):
            return
    except BaseException:
        # It may be sent again without its shadow, whose own record must then follow.
        for parcel in parcels:
            parts.awaited.part(parcel.entry.prediction)
        raise
    followers = [entry for entry in entries[:due] if isinstance(entry, ShadowEntry)]
    alone = [entry for entry in followers if not parts.awaited.was_merged(entry.prediction)]
    if not await _until_done(parts, alone, _try_shadows, last=last):
        return
    for entry in followers:
        parts.awaited.part(entry.prediction)
    for _ in range(entries[:due].count(None)):
        _refuse(parts, {"reason": "not readable by this release"})
    parts.spool.done(records[due - 1].end)
    waiting.set(parts.spool.size)


async def _until_done(
    parts: Serving,
    items: list[T],
    send: Callable[[Serving, list[T]], Awaitable[list[T]]],
    *,
    last: bool,
) -> bool:
    """Send again what must be sent again, with growing pauses; `last`: once, True if all went."""
    backoff = _BACKOFF
    while items := await send(parts, items):
        if last:
            return False
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, _BACKOFF_LIMIT)
    return True


async def _due(parts: Serving, entries: Sequence[Entry | None]) -> int:
    """How many of the next entries may go: those before the first that waits for its shadow."""
    now = parts.clock.monotonic()
    for index, entry in enumerate(entries):
        if isinstance(entry, PredictionEntry):
            seconds = parts.awaited.wait_of(entry.prediction, now)
            if seconds:
                if index == 0:
                    await parts.awaited.moved(timeout=seconds)
                return index
    return len(entries)


def _decoded(record: Waiting) -> Entry | None:
    try:
        return decode_entry(record.payload)
    except msgspec.DecodeError:
        return None


async def _try_predictions(parts: Serving, parcels: list[Parcel]) -> list[Parcel]:
    """Send predictions, in order within a deployment; returns those that must be sent again."""
    left: list[Parcel] = []
    ordered = sorted(parcels, key=lambda p: (p.entry.organization, p.entry.deployment))
    for _, some in groupby(ordered, key=lambda p: (p.entry.organization, p.entry.deployment)):
        group = list(some)
        for parcel, outcome in zip(group, await send_predictions(parts, group), strict=True):
            _note(parts, outcome)
            if outcome.fate is Fate.LATER:
                left.append(parcel)
            elif outcome.fate is Fate.REFUSED and parcel.shadow is not None:
                # Perhaps for what the shadow said: that must not cost the champion's answer.
                parcel.shadow = None
                parts.awaited.part(parcel.entry.prediction)
                left.append(parcel)
            elif outcome.fate is Fate.REFUSED:
                _refuse_entry(parts, parcel.entry, outcome)
    return left


async def _try_shadows(parts: Serving, shadows: list[ShadowEntry]) -> list[ShadowEntry]:
    """Send shadows' answers; returns those that must be sent again."""
    left = []
    for start in range(0, len(shadows), _SHADOWS_AT_ONCE):
        some = shadows[start : start + _SHADOWS_AT_ONCE]
        outcomes = await asyncio.gather(*(send_shadow(parts, entry) for entry in some))
        for entry, outcome in zip(some, outcomes, strict=True):
            _note(parts, outcome)
            if outcome.fate is Fate.LATER:
                left.append(entry)
            elif outcome.fate is Fate.REFUSED:
                _refuse_entry(parts, entry, outcome)
    return left


def _note(parts: Serving, outcome: Outcome) -> None:
    """Keep how the log flows, for the probes."""
    waiting.set(parts.spool.size)
    if outcome.fate is not Fate.LATER:
        parts.flow.since = None
        return
    parts.flow.reason = outcome.reason
    if parts.flow.since is None:
        parts.flow.since = parts.clock.monotonic()
        log.warning("ingest does not take the log", reason=outcome.reason, status=outcome.status)


def _refuse_entry(parts: Serving, entry: Entry, outcome: Outcome) -> None:
    _refuse(
        parts,
        {
            "kind": "prediction" if isinstance(entry, PredictionEntry) else "shadow",
            "organization": str(entry.organization),
            "deployment": str(entry.deployment),
            "prediction": str(entry.prediction),
            "status": outcome.status,
            "reason": outcome.reason,
            "body": entry.body,
        },
    )


def _refuse(parts: Serving, document: dict[str, object]) -> None:
    log.error("log entry refused", **{k: v for k, v in document.items() if k != "body"})
    refused.inc()
    parts.spool.refuse(document)
