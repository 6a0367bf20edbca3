"""Read what changed and hand it on: to browsers, to the board of processes."""

import asyncio

import structlog
from opentelemetry.trace import SpanKind

from libs.bus.driver import Begin, BusUnavailable, Record
from libs.schemas import topics
from libs.schemas.envelope import Event, MalformedEvent, Received, decode
from libs.schemas.events import ProcessReported
from libs.telemetry.tracing import span
from services.gateway.parts import Gateway

_TOPICS = (
    topics.REVIEWS, topics.DATA, topics.DEPLOYMENTS, topics.DATASETS, topics.MODELS,
    topics.TRAINING, topics.ROLLOUTS, topics.ALERTS, topics.JOBS, topics.LIVE,
)  # fmt: skip
log = structlog.get_logger()
_AWAY_SECONDS = 0.5


async def feed_browsers(parts: Gateway) -> None:
    """Read the topics from their end, for as long as the process runs.

    What was said before, or while the bus was away, is not read: who listened then starts anew.
    """
    while True:
        try:
            async with parts.bus.reader(_TOPICS, begin=Begin.END) as reader:
                parts.feed.begin()
                while True:
                    for record in await reader.fetch(limit=500, wait=5.0):
                        _hand_on(parts, record)
        except BusUnavailable as error:
            log.warning("feed.bus_away", reason=str(error))
            await asyncio.sleep(_AWAY_SECONDS)


def _hand_on(parts: Gateway, record: Record) -> None:
    try:
        received = decode(record.message.headers, record.message.value)
    except MalformedEvent:
        # A consumer of the topic dead-letters it; a browser has no use for it.
        return
    _tell(parts, received)


def _tell(parts: Gateway, received: Received[Event]) -> None:
    meta = received.meta
    if meta.traceparent is None:
        parts.feed.tell(received.organization, received.data, meta.time)
        return
    name = f"tell browsers {received.data.event_type}"
    with span(name, traceparent=meta.traceparent, kind=SpanKind.CONSUMER) as current:
        trace = f"{current.get_span_context().trace_id:032x}"
        parts.feed.tell(received.organization, received.data, meta.time, trace=trace)


async def watch_processes(parts: Gateway) -> None:
    """Read what the processes said in the last hour, and what they say from now on."""
    while True:
        try:
            async with parts.bus.reader([topics.PROCESSES], begin=Begin.START) as reader:
                while True:
                    for record in await reader.fetch(limit=500, wait=5.0):
                        _board(parts, record)
        except BusUnavailable as error:
            log.warning("board.bus_away", reason=str(error))
            await asyncio.sleep(_AWAY_SECONDS)


def _board(parts: Gateway, record: Record) -> None:
    try:
        event = decode(record.message.headers, record.message.value).data
    except MalformedEvent:
        # A later release reports in a way of its own.
        return
    if isinstance(event, ProcessReported):
        parts.board.take(event)
