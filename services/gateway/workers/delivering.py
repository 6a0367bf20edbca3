"""Telling receivers, with pauses that grow, until they have it or the tries are used up."""

import asyncio
from datetime import timedelta

import httpx
import structlog
from sqlalchemy import RowMapping

from libs.store.faults import is_transient
from libs.telemetry.metrics import counter
from services.gateway import store
from services.gateway.core.delivery import DeliveryState, Outcome, Retries
from services.gateway.parts import Gateway
from services.gateway.workers.sending import Sender, lease, mail_context

_SECONDS = 1.0
_PRUNE_SECONDS = 3600.0
delivered = counter(
    "deliveries_attempted_total",
    "Attempts to tell a receiver, by its kind and what came of it.",
    ["kind", "outcome"],
)
log = structlog.get_logger()


async def keep_telling(parts: Gateway) -> None:
    """Tell receivers what is due, several at once, for as long as the process runs.

    A delivery is leased while it is tried: of several processes one does, and what a lost one
    had is tried again when its lease ends. So a receiver may be told twice, with the same id.
    """
    tls = await asyncio.to_thread(httpx.create_ssl_context)
    sender = Sender(
        settings=parts.settings,
        public_url=parts.public_url,
        tls=tls,
        mail_tls=await asyncio.to_thread(mail_context, parts.settings),
    )
    running: set[asyncio.Task[None]] = set()
    prune_at = parts.clock.monotonic()
    async with asyncio.TaskGroup() as group:
        while True:
            try:
                free = parts.settings.delivery_at_once - len(running)
                for row in await _claimed(parts, free) if free else []:
                    task = group.create_task(attempt(parts, sender, row))
                    running.add(task)
                    task.add_done_callback(running.discard)
                if parts.clock.monotonic() >= prune_at:
                    prune_at = parts.clock.monotonic() + _PRUNE_SECONDS
                    await _prune(parts)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("deliveries wait", error=str(error))
            await asyncio.sleep(_SECONDS)


async def attempt(parts: Gateway, sender: Sender, row: RowMapping) -> None:
    """Tell a receiver once, and write down what came of it."""
    began, started = parts.clock.now(), parts.clock.monotonic()
    outcome = await sender.send(row, now=began)
    seconds = parts.clock.monotonic() - started
    delivered.labels(row["kind"], "ok" if outcome.ok else "failed").inc()
    state, pause = _next(parts, row, outcome)
    if not outcome.ok:
        log.warning(
            "receiver not told",
            receiver=str(row["receiver"]),
            kind=row["kind"],
            tries=row["tries"],
            status=outcome.status,
            again=state is DeliveryState.PENDING,
        )
    try:
        async with parts.database.begin() as tx:
            await store.record(
                tx,
                row,
                outcome,
                state=state,
                due=tx.clock.now() + pause,
                time=began,
                seconds=seconds,
            )
    except Exception as error:
        if not is_transient(error):
            raise
        # The lease ends by itself, and the receiver is told again.
        log.warning("delivery not written down", error=str(error))


def _next(parts: Gateway, row: RowMapping, outcome: Outcome) -> tuple[DeliveryState, timedelta]:
    if outcome.ok:
        return DeliveryState.DELIVERED, timedelta(0)
    settings = parts.settings
    policy = Retries(
        tries=settings.delivery_tries, pause=timedelta(seconds=settings.delivery_pause)
    )
    pause = None if outcome.final else policy.after(row["tries"])
    if pause is None:
        return DeliveryState.FAILED, timedelta(0)
    return DeliveryState.PENDING, pause


async def _claimed(parts: Gateway, free: int) -> list[RowMapping]:
    now = parts.clock.now()
    async with parts.database.single() as read:
        due = await store.due_deliveries(read, now=now, limit=free)
    if not due:
        return []
    async with parts.database.begin() as tx:
        return await store.claim(tx, due, until=now + lease(parts.settings))


async def _prune(parts: Gateway) -> None:
    kept = timedelta(days=parts.settings.delivery_days)
    async with parts.database.begin() as tx:
        await store.prune(tx, before=parts.clock.now() - kept)
