"""What may be chosen about the buffered monitor, and what it tells."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sightloop_sdk.transport import Retry


def spool_folder() -> Path:
    """SIGHTLOOP_SPOOL, else the user's cache folder."""
    named = os.environ.get("SIGHTLOOP_SPOOL")
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "sightloop" / "spool"


@dataclass(frozen=True)
class Loss:
    """A prediction that will not reach the server.

    `reason`: `memory` (the queue was full), `disk bound` (the spool was), `disk` (it could not be
    written), `closed` (another thread closed the monitor), `picture` (it could not be encoded or
    fetched), `rejected` (the server refused it), `damaged` (its record on disk was broken;
    `prediction` is None), and `picture left out` (the spool was nearly full: the prediction is
    kept, without its picture).
    `why`: a sentence.
    """

    reason: str
    why: str
    prediction: UUID | None


@dataclass(frozen=True)
class Buffering:
    """How much is held, where, and when it is sent.

    `folder`: of the spool; by default SIGHTLOOP_SPOOL or the user's cache. `max_bytes`: most it
    holds on disk for this process; pictures may take nine tenths of it. `queue_bytes`: most that
    waits in memory to be written. `linger`: seconds a prediction waits for others to be sent with.
    `batch_count`, `batch_bytes`: most in one request. `exit_seconds`: how long the end of the
    program waits; what is left stays on disk for the next start. `retry`: pauses while the server
    is away (tries are without end). `on_loss`: called for each loss, from a thread of ours.
    """

    folder: Path | None = None
    max_bytes: int = 2**30
    queue_bytes: int = 256 * 2**20
    linger: float = 0.5
    batch_count: int = 1000
    batch_bytes: int = 8 * 2**20
    exit_seconds: float = 5.0
    retry: Retry = field(default_factory=lambda: Retry(first=0.25, most=5.0))
    on_loss: Callable[[Loss], None] | None = None


@dataclass(frozen=True)
class Report:
    """How a buffered monitor stands, since the start of this process.

    `handed` = `accepted` + `lost` + what waits. `adopted`: records of processes that have ended,
    sent for them (not in the other numbers). `losses`: by reason. `waiting`: handed over, not
    settled. `bytes_on_disk`: of the spool. `trouble`: what keeps the sender waiting, or None.
    """

    handed: int
    accepted: int
    lost: int
    waiting: int
    adopted: int
    bytes_on_disk: int
    losses: Mapping[str, int]
    trouble: str | None
