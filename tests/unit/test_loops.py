"""Loops outlive what passes by itself; browsers are told of what went by unread."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.runtime import tasks
from libs.runtime.tasks import through_faults
from libs.schemas.events import SeriesAdvanced
from services.gateway.core.feed import Feed
from tests.support.examples import EXAMPLES


async def test_a_fault_that_passes_begins_a_loop_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_AWAY_SECONDS", 0.0)
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ConnectionError("the database is away")

    await through_faults("loop", run)
    assert runs == 3


async def test_a_lasting_fault_ends_a_loop() -> None:
    async def run() -> None:
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        await through_faults("loop", run)


async def test_a_loop_that_is_stopped_while_a_part_is_away_does_not_begin_anew() -> None:
    begun = asyncio.Event()
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("nothing can be given back")

    task = asyncio.ensure_future(through_faults("loop", run))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert runs == 1


async def test_a_browser_starts_anew_when_changes_went_by_unread() -> None:
    feed = Feed(kept=10, listeners=1)
    organization = uuid4()
    stream = feed.stream(organization, deployment=None, after=None)
    assert (await anext(stream)).startswith(b"retry")
    event = next(one for one in EXAMPLES.values() if isinstance(one, SeriesAdvanced))
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    feed.tell(organization, event, datetime.now(UTC))
    first = await waiting
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    feed.begin()
    assert b"event: reset" in await waiting
    await stream.aclose()
    again = feed.stream(organization, deployment=None, after=first.split()[1].decode())
    await anext(again)
    assert b"event: reset" in await anext(again)
    await again.aclose()
