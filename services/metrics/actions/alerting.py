"""Checking rules, and what follows: an alert is fired once and resolved once."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import RowMapping

from libs.schemas.events import AlertFired, AlertResolved, DeploymentChanged, Severity
from libs.schemas.ids import derived, uuid7
from libs.store.session import Tx
from services.metrics.actions.alert_values import measured
from services.metrics.core.alerting.names import MetricUnknown
from services.metrics.core.alerting.rules import Change, Condition, Operator, Standing, check
from services.metrics.core.alerting.windows import Windows
from services.metrics.store import alerts

KIND = "metric"


def condition_of(row: Any) -> Condition:
    """The condition of a rule's row."""
    return Condition(
        metric=row["metric"],
        operator=Operator(row["operator"]),
        threshold=row["threshold"],
        resolved=row["resolved_threshold"],
        window=timedelta(minutes=row["window_minutes"]),
        lasting=timedelta(minutes=row["for_minutes"]),
    )


async def check_rule(
    tx: Tx, row: RowMapping, deployment: DeploymentChanged, *, time: datetime
) -> RowMapping:
    """Check a rule that is locked, once for each `time`; tell what changed. Its row as it is then.

    A silenced rule fires untold; it is told of when the silence ends before the alert does.
    """
    if row["checked"] is not None and row["checked"] >= time:
        return row
    condition = condition_of(row)
    windows = Windows.ending(condition.level, condition.window, time, time)
    value = None
    # A label that was in the labelmap of a former champion only is no metric any more.
    with suppress(MetricUnknown):
        found = await measured(tx, row["organization"], deployment, condition.metric, windows)
        value = None if np.isnan(found[0]) else float(found[0])
    standing = Standing(
        since=row["since"], fired=row["fired_time"], checked=row["checked"], value=row["value"]
    )
    now, change = check(condition, standing, time, value=value)
    changed: dict[str, Any] = {"since": now.since, "checked": time, "value": value}
    if change is Change.FIRED:
        changed |= await _open(tx, row, now)
    elif change is Change.RESOLVED:
        assert value is not None
        await close(tx, row, time=time, text=_sentence(row, value, over=True), value=value)
        changed |= {"firing": None, "fired_time": None, "told": False}
    elif row["firing"] is not None and value is not None:
        held = await alerts.find_alert(tx, row["organization"], row["firing"])
        assert held is not None
        worse = max if condition.operator.upward else min
        if (worst := worse(held["worst"], value)) != held["worst"]:
            await alerts.set_alert(tx, row["organization"], row["firing"], worst=worst)
    row = await alerts.set_rule(tx, row["id"], **changed)
    return await _tell(tx, row)


async def close(tx: Tx, row: RowMapping, *, time: datetime, text: str, value: float | None) -> None:
    """End the alert that a locked rule fires, if it fires one; who was told is told."""
    if row["firing"] is None:
        return
    which = row["organization"], row["firing"]
    ended = await alerts.set_alert(tx, *which, resolved_time=time, resolved_text=text)
    if row["told"]:
        await tx.emit(
            AlertResolved(
                alert=ended["id"],
                deployment=ended["deployment"],
                kind=KIND,
                severity=Severity(ended["severity"]),
                since=ended["since"],
                fired_time=ended["fired_time"],
                resolved_time=time,
                text=text,
                rule=ended["rule"],
                metric=ended["metric"],
                value=value,
                threshold=ended["threshold"],
            ),
            organization=ended["organization"],
            event_id=derived("alert resolved", ended["id"]),
        )


async def _open(tx: Tx, row: RowMapping, now: Standing) -> dict[str, Any]:
    assert now.fired is not None
    assert now.value is not None
    alert = uuid7(tx.clock.now())
    await alerts.open_alert(
        tx,
        {
            "id": alert,
            "rule": row["id"],
            "since": now.since,
            "fired_time": now.fired,
            "value": now.value,
            "worst": now.value,
            "text": _sentence(row, now.value, over=False),
        }
        | {
            name: row[name]
            for name in (
                "organization", "deployment", "name", "metric", "operator", "threshold", "severity",
            )
        },
    )  # fmt: skip
    return {"firing": alert, "fired_time": now.fired, "told": False}


async def _tell(tx: Tx, row: RowMapping) -> RowMapping:
    """Tell of the alert that a rule fires, once, unless it is silenced."""
    if row["firing"] is None or row["told"]:
        return row
    if row["silenced_until"] is not None and row["silenced_until"] > tx.clock.now():
        return row
    held = await alerts.find_alert(tx, row["organization"], row["firing"])
    assert held is not None
    await tx.emit(
        AlertFired(
            alert=held["id"],
            deployment=held["deployment"],
            kind=KIND,
            severity=Severity(held["severity"]),
            since=held["since"],
            fired_time=held["fired_time"],
            text=held["text"],
            rule=held["rule"],
            metric=held["metric"],
            value=held["value"],
            threshold=held["threshold"],
        ),
        organization=held["organization"],
        event_id=derived("alert fired", held["id"]),
    )
    return await alerts.set_rule(tx, row["id"], told=True)


def _sentence(row: RowMapping, value: float, *, over: bool) -> str:
    operator = Operator(row["operator"])
    limit = row["threshold"]
    words = operator.words
    if over:
        if row["resolved_threshold"] is not None:
            limit = row["resolved_threshold"]
        words = f"no longer {words}"
    lasted = "" if over or not row["for_minutes"] else f" for {_span(row['for_minutes'])}"
    over_ = f"over the last {_span(row['window_minutes'])}"
    return f"{row['metric']} {over_} is {value:.4g}, {words} {limit:.4g}{lasted}"


def _span(minutes: int) -> str:
    for name, length in (("day", 1440), ("hour", 60)):
        if minutes % length == 0 and minutes:
            count = minutes // length
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
