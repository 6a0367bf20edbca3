"""Putting predictions on the bus: one open page for each deployment.

A page is numbered when it is written, one after the other: numbers are in the order of the
topic, and a page that fails takes no other with it.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from libs.bus.coalescing import Coalescer, Told
from libs.schemas.envelope import Message
from libs.schemas.events import PredictionLogged
from libs.schemas.ids import Derivation
from libs.schemas.stamps import Stamp
from libs.schemas.values import Logged
from libs.telemetry.tracing import current_traceparent
from services.ingest.core.accepted import Accepted, accepted
from services.ingest.core.till import Number
from services.ingest.parts import Ingest

SOURCE = "/sightloop/ingest"

_PAGE = 500
_DESKS = 10_000


async def publish(parts: Ingest, organization: UUID, actor: str, logged: Sequence[Logged]) -> None:
    """Return when predictions of one deployment are durable on the bus, in the books by number.

    Raises:
        PredictionRejected: one of them is too large for the bus.
        QueueFull: too much waits already; nothing was taken.
        BusUnavailable: some may be durable; sending them again is safe where they are named.
    """
    traceparent = current_traceparent()
    await offer(
        parts,
        logged[0].deployment,
        [
            accepted(one, organization=organization, actor=actor, traceparent=traceparent)
            for one in logged
        ],
    )


def offer(parts: Ingest, deployment: UUID, entries: Sequence[Accepted]) -> "asyncio.Future[None]":
    """The future is done when predictions of one deployment are durable. Raises QueueFull."""
    size = sum([len(entry.document) for entry in entries])
    return _desk(parts, deployment).offer(entries, size)


def hand(parts: Ingest, deployment: UUID, entry: Accepted, told: Told) -> None:
    """As `offer`; `told` is called when the prediction is durable. Raises QueueFull."""
    _desk(parts, deployment).hand((entry,), len(entry.document), told)


def _desk(parts: Ingest, deployment: UUID) -> Coalescer[Accepted]:
    desk = parts.desks.get(deployment)
    if desk is None:
        if len(parts.desks) >= _DESKS:
            _close_idle(parts)
        desk = Coalescer(partial(_write, parts, deployment), room=parts.room, page=_PAGE)
        parts.desks[deployment] = desk
    return desk


def _close_idle(parts: Ingest) -> None:
    for deployment in [name for name, desk in parts.desks.items() if desk.idle]:
        del parts.desks[deployment]


async def _write(parts: Ingest, deployment: UUID, page: Sequence[Accepted]) -> None:
    # A deployment is of one organisation: so are those who log to it.
    numbers = parts.till.next_some(page[0].organization, deployment, len(page))
    try:
        await parts.sink.publish(_messages(parts, deployment, page, numbers))
    except BaseException:
        parts.till.failed(numbers)
        raise
    parts.till.sent(numbers)


def _messages(
    parts: Ingest, deployment: UUID, page: Sequence[Accepted], numbers: Sequence[Number]
) -> list[Message]:
    key, ids = str(deployment), Derivation("logged", deployment)
    time = parts.clock.now().isoformat().encode()
    # Numbers that were given out together are of one boot.
    boot = str(numbers[0][0]).encode()
    stamps: dict[str, Stamp] = {}
    messages = []
    for entry, (_, sequence) in zip(page, numbers, strict=True):
        stamp = stamps.get(entry.actor)
        if stamp is None:
            stamp = stamps[entry.actor] = Stamp(
                PredictionLogged, key, SOURCE, entry.organization, entry.actor
            )
        messages.append(
            stamp.message(
                b'{"logged":%b,"boot":"%b","sequence":%d}' % (entry.document, boot, sequence),
                event_id=ids.text(entry.prediction),
                time=time,
                traceparent=entry.traceparent,
            )
        )
    return messages
