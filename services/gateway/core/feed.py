"""Live updates: what changed, to every browser of the organisation, resumable."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from libs.schemas.envelope import Event
from services.gateway.errors import FeedFull

_PENDING = 500
_HEARTBEAT = 15.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something changed: `type` as `prediction.reviewed`, `data` the JSON a browser gets."""

    number: int
    organization: UUID
    deployment: str | None
    type: str
    data: bytes


_LOOK = Notice(0, UUID(int=0), None, "look", b"")


@dataclass(slots=True, eq=False)
class _Listener:
    organization: UUID
    deployment: str | None
    queue: "asyncio.Queue[Notice | None]" = field(default_factory=lambda: asyncio.Queue(_PENDING))
    lost: bool = False

    def wants(self, notice: Notice) -> bool:
        return notice.organization == self.organization and (
            self.deployment is None or notice.deployment in (None, self.deployment)
        )

    def offer(self, notice: Notice) -> None:
        try:
            self.queue.put_nowait(notice)
        except asyncio.QueueFull:
            self.lost = True


class Feed:
    """Hands notices on to who listens. A browser that is too slow is told to start anew."""

    def __init__(self, *, kept: int, listeners: int) -> None:
        self._boot = uuid4().hex[:12]
        self._number = 0
        self._ring: deque[Notice] = deque(maxlen=kept)
        self._listeners: set[_Listener] = set()
        self._limit = listeners
        self.begun = False

    def tell(
        self, organization: UUID, event: Event, time: datetime, *, trace: str | None = None
    ) -> None:
        """Something changed, says an event of some time. `trace`: the id of what caused it."""
        kind = event.event_type.removeprefix("sightloop.").rsplit(".", 1)[0]
        deployment = getattr(event, "deployment", None)
        self._number += 1
        body = {"type": kind, "deployment": deployment, "subject": event.key, "time": time}
        if trace is not None:
            body["trace"] = trace
        notice = Notice(
            self._number,
            organization,
            str(deployment) if deployment else None,
            kind,
            msgspec.json.encode(body),
        )
        self._ring.append(notice)
        for listener in self._listeners:
            if listener.wants(notice):
                listener.offer(notice)

    def begin(self) -> None:
        """From now on changes are told: who listened before missed some, and starts anew."""
        self.begun = True
        self._ring.clear()
        self._number += 1
        for listener in self._listeners:
            listener.lost = True
            listener.offer(_LOOK)

    def stop(self) -> None:
        """End every stream: the process stops."""
        for listener in self._listeners:
            if listener.queue.full():
                listener.queue.get_nowait()
            listener.queue.put_nowait(None)

    async def stream(
        self, organization: UUID, *, deployment: str | None, after: str | None
    ) -> AsyncIterator[bytes]:
        """Server-sent events, after an event id where one is given.

        Raises:
            FeedFull: as many browsers listen as are let.
        """
        with self._listening(organization, deployment) as listener:
            yield b"retry: 2000\n\n"
            missed = self._since(after)
            if missed is None:
                yield self._reset()
            for notice in missed or ():
                if listener.wants(notice):
                    yield self._event(notice)
            while True:
                if listener.lost:
                    listener.lost = False
                    while not listener.queue.empty():
                        listener.queue.get_nowait()
                    yield self._reset()
                try:
                    async with asyncio.timeout(_HEARTBEAT):
                        next_notice = await listener.queue.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if next_notice is None:
                    return
                if next_notice is _LOOK:
                    continue
                yield self._event(next_notice)

    @contextmanager
    def _listening(self, organization: UUID, deployment: str | None) -> Iterator[_Listener]:
        if len(self._listeners) >= self._limit:
            raise FeedFull(f"{self._limit} browsers listen already")
        listener = _Listener(organization, deployment)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _since(self, after: str | None) -> list[Notice] | None:
        """What came after an event id; None where it is not known any more."""
        if after is None:
            return []
        boot, _, text = after.partition("-")
        if boot != self._boot or not text.isdigit():
            return None
        number = int(text)
        oldest = self._ring[0].number if self._ring else self._number + 1
        if number + 1 < oldest:
            return None
        return [notice for notice in self._ring if notice.number > number]

    def _event(self, notice: Notice) -> bytes:
        head = f"id: {self._boot}-{notice.number}\nevent: {notice.type}\ndata: "
        return head.encode() + notice.data + b"\n\n"

    def _reset(self) -> bytes:
        return f"id: {self._boot}-{self._number}\nevent: reset\ndata: {{}}\n\n".encode()
