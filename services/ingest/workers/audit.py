"""Auditing the books: an imbalance that lasts raises an alert by itself."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import structlog

from libs.schemas.events import AlertFired, AlertResolved, Severity
from libs.schemas.ids import uuid7
from libs.store.faults import is_transient
from libs.store.leases import acquire, release
from libs.store.session import Tx
from services.ingest import store
from services.ingest.core.books import Ledger, complaint
from services.ingest.parts import Ingest
from services.ingest.workers import gauges

log = structlog.get_logger()
_KIND = "books"
_SECONDS = 10.0
_LEASE = timedelta(seconds=30)
_PRUNE_SECONDS = 3600.0
_HOURS_KEPT = timedelta(days=93)
_DEAD_KEPT = timedelta(days=31)


async def audit_books(parts: Ingest) -> None:
    """Look through the books of every deployment; of several processes one does.

    An imbalance fires an alert (a number has been missing for a minute by then), and resolves it
    when it is gone. The process that audits is the one that shows the books to Prometheus.
    """
    holder, prune_at = uuid4(), parts.clock.monotonic()
    try:
        while True:
            try:
                async with parts.database.begin() as tx:
                    if await acquire(tx, _KIND, holder=holder, duration=_LEASE):
                        gauges.show(await audit(tx))
                        if parts.clock.monotonic() >= prune_at:
                            await _prune(tx)
                            prune_at = parts.clock.monotonic() + _PRUNE_SECONDS
                    else:
                        gauges.clear()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("books not audited, will be", error=str(error))
            await asyncio.sleep(_SECONDS)
    finally:
        gauges.clear()
        try:
            async with parts.database.begin() as tx:
                await release(tx, _KIND, holder=holder)
        except Exception as error:
            if not is_transient(error):
                raise
            # The lease ends by itself.
            log.warning("lease not given back", kind=_KIND, error=str(error))


async def audit(tx: Tx) -> list[Ledger]:
    """Fire and resolve alerts by what the books say now; returns the books."""
    now = tx.clock.now()
    fired = await store.fired_alerts(tx)
    books = await store.ledgers(tx, None, now=now)
    for ledger in books:
        text, alert = complaint(ledger, now), fired.get(ledger.deployment)
        if text is not None and alert is None:
            await _fire(tx, ledger, text)
        elif text is None and alert is not None:
            await _resolve(tx, alert)
    return books


async def _prune(tx: Tx) -> None:
    now = tx.clock.now()
    await store.prune_books(tx, hours_before=now - _HOURS_KEPT, dead_before=now - _DEAD_KEPT)


async def _fire(tx: Tx, ledger: Ledger, text: str) -> None:
    now = tx.clock.now()
    seen = [gap.seen for gap in ledger.lost]
    alert = store.FiredAlert(
        alert=uuid7(now),
        organization=ledger.organization,
        deployment=ledger.deployment,
        since=min(seen, default=ledger.waiting_since or now),
        fired_time=now,
        text=text,
        missing=ledger.missing,
    )
    await store.add_alert(tx, alert)
    await tx.emit(
        AlertFired(
            alert=alert.alert,
            deployment=alert.deployment,
            kind=_KIND,
            severity=Severity.CRITICAL if ledger.missing else Severity.WARNING,
            since=alert.since,
            fired_time=now,
            text=text,
            metric="missing",
            value=ledger.missing,
            threshold=0,
        ),
        organization=alert.organization,
    )
    log.error("books.unbalanced", deployment=str(ledger.deployment), text=text)


async def _resolve(tx: Tx, alert: store.FiredAlert) -> None:
    await store.delete_alert(tx, alert.organization, alert.deployment)
    await tx.emit(
        AlertResolved(
            alert=alert.alert,
            deployment=alert.deployment,
            kind=_KIND,
            severity=Severity.CRITICAL if alert.missing else Severity.WARNING,
            since=alert.since,
            fired_time=alert.fired_time,
            resolved_time=tx.clock.now(),
            text="the books balance again",
            metric="missing",
            value=0,
            threshold=0,
        ),
        organization=alert.organization,
    )
    log.info("books.balanced", deployment=str(alert.deployment))
