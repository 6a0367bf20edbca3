"""One batch of one partition through its handlers: transactions, inbox, outcomes, dead letters.

run of one handler ─▶ transaction ─┬─ committed ─▶ next run
                                   ├─ Retry at i ─▶ rolled back, what was before it alone, stop
                                   ├─ passing fault ─▶ rolled back, stop
                                   └─ lasting fault ─▶ rolled back, each record alone
"""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy import ARRAY, Text, Uuid, bindparam, delete, text

from libs.bus import metrics
from libs.bus.breaker import Breaker, BreakerOpened
from libs.bus.consumer import Consumer, Dead, Died, Drop, Handler, Outcome, Retry
from libs.bus.dead_letters import dead_letter
from libs.bus.driver import Record, Sink
from libs.bus.runs import Item, Runs
from libs.bus.stages import Stage, Stages
from libs.schemas.envelope import Event, MalformedEvent, Received, registry
from libs.store.faults import is_transient
from libs.store.session import Cause, Database, Tx
from libs.store.tables import inbox
from libs.telemetry.tracing import span

# Answers with those that were known: nothing, as a rule.
_INBOX = text(
    """
    WITH told AS (
        SELECT * FROM unnest(:events, :organizations) AS told (event, organization)
    ), made AS (
        INSERT INTO inbox (consumer, event, organization)
        SELECT :consumer, event, organization FROM told ON CONFLICT DO NOTHING RETURNING event
    )
    SELECT event FROM told EXCEPT ALL SELECT event FROM made
    """
).bindparams(
    bindparam("consumer", type_=Text()),
    bindparam("events", type_=ARRAY(Uuid())),
    bindparam("organizations", type_=ARRAY(Uuid())),
)

_log = structlog.get_logger(__name__)
_number = attrgetter("int")


class OutcomesMissing(RuntimeError):
    """A handler did not answer for each of its events: a defect in the handler."""


class RetryAsked(Exception):
    """A handler asked to have an event again; what it wrote is rolled back."""

    def __init__(self, index: int, after: timedelta) -> None:
        super().__init__(index, after)
        self.index = index
        self.after = after


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch came: `offset` is the next to read.

    `retry_after`: a handler asked to wait. `fault`: passes by itself, wait and try again.
    `opened`: the breaker did.
    """

    offset: int
    retry_after: timedelta | None = None
    fault: BaseException | None = None
    opened: bool = False

    @property
    def complete(self) -> bool:
        return self.retry_after is None and self.fault is None and not self.opened


class Handling:
    """Takes batches through the handlers of a consumer."""

    def __init__(
        self,
        group: str,
        consumer: Consumer,
        *,
        database: Database,
        sink: Sink,
        breaker: Breaker,
        stages: Stages,
    ) -> None:
        self._group = group
        # A rule sees a number grow only where it was there before.
        metrics.DEAD.labels(group)
        metrics.BREAKER.labels(group).set(0)
        self._limit = consumer.policy.handler_limit.total_seconds()
        handlers = {handler.event.event_type: handler for handler in consumer.handlers}
        self._runs = Runs(group, handlers, types=registry().keys())
        self._database = database
        self._sink = sink
        self._breaker = breaker
        self._stages = stages

    async def handle(self, records: Sequence[Record]) -> Progress:
        """Handle records of one partition in their order; never raises for a record's sake."""
        started = time.perf_counter()
        runs = self._runs.read(records)
        self._stages.lap(Stage.DECODE, started)
        for run in runs:
            if (stop := await self._attempt(run)) is not None:
                return stop
        return Progress(records[-1].offset + 1)

    async def _attempt(self, run: Sequence[Item]) -> Progress | None:
        """None when the run is done with; otherwise where and why it stopped."""
        first = run[0].record.offset
        try:
            await self._transaction(run)
        except RetryAsked as asked:
            stop = await self._attempt(run[: asked.index]) if asked.index else None
            return stop or Progress(run[asked.index].record.offset, retry_after=asked.after)
        except BreakerOpened:
            return Progress(first, opened=True)
        except Exception as error:  # noqa: BLE001 - decides what becomes of every fault
            if is_transient(error):
                return Progress(first, fault=error)
            if len(run) == 1:
                return await self._bury(run[0], error)
            for item in run:
                if (stop := await self._attempt([item])) is not None:
                    return stop
        return None

    async def _bury(self, item: Item, error: Exception) -> Progress | None:
        """Give a record up whose transaction is rolled back."""
        reason = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error, limit=-8))
        _log.warning("consumer.dead", consumer=self._group, reason=reason, trace=trace)
        offset = item.record.offset
        try:
            self._breaker.died(item.place, reason)
            await self._lay_down(item, reason)
        except BreakerOpened:
            return Progress(offset, opened=True)
        except Exception as fault:  # noqa: BLE001 - the consumer stops, and says why
            if is_transient(fault):
                return Progress(offset, fault=fault)
            _log.exception("consumer.cannot_bury", consumer=self._group)
            self._breaker.fail(f"a dead record could not be laid down: {fault!r}")
            return Progress(offset, opened=True)
        metrics.DEAD.labels(self._group).inc()
        return None

    async def _lay_down(self, item: Item, reason: str) -> None:
        died = item.died(reason)
        if item.handler is None or item.handler.on_dead is None:
            await self._publish_dead([died])
            return
        meta = item.received.meta if item.received else None
        cause = Cause(actor=meta.actor, causation=meta.id) if meta else Cause()
        async with asyncio.timeout(self._limit), self._database.begin(cause) as tx:
            await item.handler.on_dead(tx, [died])
            await self._publish_dead([died])

    async def _transaction(self, run: Sequence[Item]) -> None:
        handler = run[0].handler
        last = run[-1].received
        if handler is None or last is None:
            raise run[0].fault or MalformedEvent("not an event")
        events = [item.received for item in run if item.received is not None]
        started = at = time.perf_counter()
        outcomes: Sequence[Outcome] = ()
        with span(
            f"handle {handler.event.event_type}",
            traceparent=events[0].meta.traceparent,
            kind=SpanKind.CONSUMER,
            consumer=self._group,
            events=len(events),
        ):
            cause = Cause(actor=last.meta.actor, causation=last.meta.id)
            async with asyncio.timeout(self._limit), self._database.begin(cause) as tx:
                at = self._stages.lap(Stage.BEGIN, at)
                fresh = await self._fresh(tx, events, handler)
                at = self._stages.lap(Stage.INBOX, at)
                if fresh:
                    outcomes = await self._ask(tx, handler, [events[i] for i in fresh], fresh)
                    at = self._stages.lap(Stage.HANDLER, at)
                    await self._settle(tx, handler, [run[i] for i in fresh], outcomes)
                    at = self._stages.lap(Stage.LETTERS, at)
        at = self._stages.lap(Stage.COMMIT, at)
        metrics.SECONDS.labels(self._group).observe(at - started)
        self._count(outcomes, duplicates=len(run) - len(fresh))

    async def _fresh(
        self, tx: Tx, events: Sequence[Received[Event]], handler: Handler
    ) -> Sequence[int]:
        """The places in the run of events never handled, each event once."""
        if handler.repeats:
            return range(len(events))
        places: dict[UUID, int] = {}
        for index, received in enumerate(events):
            places.setdefault(received.meta.id, index)
        if not handler.inbox:
            return list(places.values())
        # Everybody inserts in one order: two that tell the same events cannot lock each other out.
        ids = sorted(places, key=_number)
        organizations = [events[places[event_id]].organization for event_id in ids]
        for row in await tx.all(
            _INBOX.bindparams(consumer=self._group, events=ids, organizations=organizations)
        ):
            del places[row["event"]]
        return list(places.values())

    async def _ask(
        self,
        tx: Tx,
        handler: Handler,
        events: Sequence[Received[Event]],
        places: Sequence[int],
    ) -> Sequence[Outcome]:
        outcomes = await handler.function(tx, events)
        for place, outcome in zip(places, outcomes, strict=False):
            if isinstance(outcome, Retry):
                raise RetryAsked(place, outcome.after)
        if len(outcomes) != len(events):
            raise OutcomesMissing(
                f"{handler.event.__name__}: {len(outcomes)} outcomes for {len(events)} events"
            )
        return outcomes

    async def _settle(
        self, tx: Tx, handler: Handler, items: Sequence[Item], outcomes: Sequence[Outcome]
    ) -> None:
        """Write the dead letters, before the commit. An event that died leaves the inbox, so that
        it can be replayed."""
        if not any(isinstance(outcome, Dead) for outcome in outcomes):
            self._breaker.lived([item.place for item in items])
            return
        dead: list[Died] = []
        ids: list[UUID] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Dead) and item.received is not None:
                self._breaker.died(item.place, outcome.reason)
                dead.append(item.died(outcome.reason))
                ids.append(item.received.meta.id)
            else:
                self._breaker.lived([item.place])
        await tx.execute(
            delete(inbox).where(inbox.c.consumer == self._group, inbox.c.event.in_(ids))
        )
        if handler.on_dead is not None:
            await handler.on_dead(tx, dead)
        await self._publish_dead(dead)

    async def _publish_dead(self, dead: Sequence[Died]) -> None:
        now = self._database.clock.now()
        await self._sink.publish(
            [dead_letter(d.record, consumer=self._group, reason=d.reason, now=now) for d in dead]
        )

    def _count(self, outcomes: Sequence[Outcome], *, duplicates: int) -> None:
        metrics.DUPLICATES.labels(self._group).inc(duplicates)
        for outcome, count in Counter(outcomes).items():
            match outcome:
                case Drop(reason):
                    metrics.DROPPED.labels(self._group, reason).inc(count)
                case Dead():
                    metrics.DEAD.labels(self._group).inc(count)
                case _:
                    metrics.HANDLED.labels(self._group).inc(count)
