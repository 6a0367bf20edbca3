"""Changes as they happen: server-sent events, resumed where they broke off."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from sightloop_sdk.calls import Call
from sightloop_sdk.errors import Unreachable
from sightloop_sdk.transport import is_passing
from sightloop_sdk.values import Change

if TYPE_CHECKING:
    from sightloop_sdk.transport import Transport

_SILENCE_SECONDS = 60.0


def changes(transport: Transport, deployment: UUID | None) -> Iterator[Change]:
    """What changes, without end; a lost connection is made again from where it broke off.

    A change of kind `reset` says that some were missed: read anew what you hold.

    Raises:
        ApiError: the server refuses it. Unreachable: it was away at every try.
    """
    last: str | None = None
    tried = 0
    while True:
        call = Call(
            method="GET",
            path="/api/gateway/v1/events",
            params={} if deployment is None else {"deployment": str(deployment)},
            headers={"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {}),
            timeout=_SILENCE_SECONDS,
        )
        try:
            with transport.stream(call) as answer:
                for change in _parsed(answer.iter_lines()):
                    tried, last = 0, change.id or last
                    yield change
        except Exception as error:
            tried += 1
            if not is_passing(error) or tried >= transport.retry.attempts:
                raise
        else:
            tried += 1
            if tried >= transport.retry.attempts:
                raise Unreachable("the stream of changes ends at once, each time")
        time.sleep(transport.retry.pause(tried))


def _parsed(lines: Iterable[str]) -> Iterator[Change]:
    event: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            if name:
                event[name] = value.removeprefix(" ")
            continue
        if "event" in event:
            yield _change(event)
        event = {}


def _change(event: dict[str, str]) -> Change:
    data: dict[str, Any] = msgspec.json.decode(event.get("data", "{}"))
    told = {"kind": event["event"], "id": event.get("id")}
    told |= {name: data.get(name) for name in ("subject", "deployment", "time")}
    return msgspec.convert(told, Change, strict=False)
