"""Long work of the server, waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from sightloop_sdk import calls
from sightloop_sdk.errors import JobFailed
from sightloop_sdk.progress import Progress
from sightloop_sdk.values import Job

if TYPE_CHECKING:
    from sightloop_sdk.transport import Transport

T = TypeVar("T")
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_LOOK_SECONDS = 0.3


def wait_for_job(
    transport: Transport, service: str, job: UUID, *, what: str, timeout: float, progress: bool
) -> Job:
    """The job once it has ended well.

    Raises:
        JobFailed: it failed, was cancelled, or has not ended after `timeout` seconds.
    """
    ask = calls.get(f"/api/{service}/v1/jobs/{job}", Job)
    with Progress(what, None, shown=progress) as bar:

        def look() -> Job:
            seen = transport.ask(ask)
            bar.to(seen.done, seen.total)
            return seen

        seen = until(look, lambda one: one.state in _ENDED, timeout=timeout)
    if seen.state != "SUCCEEDED":
        raise JobFailed(f"{what}: {seen.state}: {seen.error or seen.message or 'not ended yet'}")
    return seen


def until(look: Callable[[], T], done: Callable[[T], bool], *, timeout: float) -> T:
    """What was seen last: when it is `done`, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if done(seen) or time.monotonic() >= deadline:
            return seen
        time.sleep(_LOOK_SECONDS)
