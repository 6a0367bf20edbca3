"""Rules are checked, once for each window, by one of the processes."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import RowMapping

from libs.schemas.events import State
from libs.store.faults import is_transient
from libs.store.leases import acquire
from libs.store.session import Tx
from services.metrics.actions.alerting import check_rule, close, condition_of
from services.metrics.core.alerting.windows import WIDTHS, last_end
from services.metrics.parts import Metrics
from services.metrics.store import alerts

_SECONDS = 5.0
_LEASE = timedelta(seconds=30)
log = structlog.get_logger()


async def keep_checked(parts: Metrics) -> None:
    """Check the rules that are due, for as long as the process runs; one process does.

    A rule is checked in a transaction of its own, under its row's lock: whoever loses the lease
    in the middle changes nothing twice.
    """
    holder = uuid4()
    while True:
        parts.rules_moved.clear()
        try:
            async with parts.database.begin() as tx:
                mine = await acquire(tx, "alerts", holder=holder, duration=_LEASE)
                due = await alerts.due_rules(tx, parts.clock.now()) if mine else []
            for row in due:
                async with parts.database.begin() as tx:
                    await check_due(parts, tx, row, now=parts.clock.now())
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("alerts wait", error=str(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                await parts.rules_moved.wait()


async def check_due(parts: Metrics, tx: Tx, due: RowMapping, *, now: datetime) -> None:
    """Check a rule over its newest whole window. A deleted deployment has no rules."""
    row = await alerts.lock_rule(tx, due["organization"], due["deployment"], due["id"])
    if row is None or not row["enabled"]:
        return
    known = parts.deployments.get(str(row["deployment"]))
    if known is not None and known.data.state is State.DELETED:
        await close(tx, row, time=now, text="the deployment was deleted", value=None)
        await alerts.delete_rule(tx, row["id"])
        return
    level = condition_of(row).level
    delay = timedelta(seconds=parts.settings.alert_delay)
    time = last_end(now - delay, level)
    if known is not None:
        row = await check_rule(tx, row, known.data, time=time)
    await alerts.set_rule(tx, row["id"], due=time + WIDTHS[level] + delay)
