"""Alert rules of a deployment, tried on history before they are saved, and what has fired."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from libs.schemas.ids import uuid7
from libs.store.session import Cause, Read
from services.metrics.actions.alert_values import known_metrics, rehearsed
from services.metrics.actions.alerting import close, condition_of
from services.metrics.api.series import known_deployment
from services.metrics.core.alerting.names import Metric, MetricUnknown, metric_of
from services.metrics.dto import (
    AlertDto,
    AlertMetricDto,
    AlertMetricsDto,
    FiringDto,
    RehearsalDto,
    RuleBody,
    RuleDto,
    RulesDto,
    SilenceBody,
)
from services.metrics.parts import Metrics
from services.metrics.store import alerts

router = APIRouter(prefix="/api/metrics/v1", tags=["alerts"])
Parts = Annotated[Metrics, part(Metrics)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]
Days = Annotated[int, Query(ge=1, le=90)]
Known = dict[str, Metric]

# What a changed rule begins anew with: it fires as another one.
_CONDITION = (
    "metric", "operator", "threshold", "resolved_threshold", "window_minutes", "for_minutes",
)  # fmt: skip
_QUIET = {"since": None, "firing": None, "fired_time": None, "told": False}
_FOR_GOOD = datetime(9999, 12, 31, tzinfo=UTC)
_FIRINGS = 200


@router.get("/deployments/{deployment}/alert-metrics")
async def list_metrics(deployment: UUID, parts: Parts, caller: Reader) -> AlertMetricsDto:
    """The metrics that a rule of this deployment can look at."""
    known = await known_deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        found = await known_metrics(read, caller.organization, known)
    return AlertMetricsDto(
        items=[AlertMetricDto(name=m.name, unit=m.unit, text=m.text) for m in found.values()]
    )


@router.get("/deployments/{deployment}/alert-rules")
async def list_rules(deployment: UUID, parts: Parts, caller: Reader) -> RulesDto:
    """The deployment's rules and how each stands."""
    known = await known_deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        metrics = await known_metrics(read, caller.organization, known)
        rows = await alerts.rules(read, caller.organization, deployment)
    return RulesDto(items=[_rule(row, metrics, parts) for row in rows])


@router.post("/deployments/{deployment}/alert-rules", status_code=201)
async def add_rule(deployment: UUID, parts: Parts, caller: Writer, body: RuleBody) -> RuleDto:
    """Watch a metric from now on."""
    known = await known_deployment(parts, caller, deployment)
    now = parts.clock.now()
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        metrics = await _metrics(tx, caller, known, body)
        most = parts.settings.alert_rules
        if len(await alerts.rules(tx, caller.organization, deployment)) >= most:
            raise conflict("too-many-rules", f"a deployment has {most} rules at most")
        row = await alerts.add_rule(
            tx,
            {
                "id": uuid7(now),
                "organization": caller.organization,
                "deployment": deployment,
                "created": now,
                "due": now,
            }
            | body.model_dump(),
        )
    parts.rules_moved.set()
    return _rule(row, metrics, parts)


@router.post("/deployments/{deployment}/alert-rules/preview")
async def preview_rule(
    deployment: UUID, parts: Parts, caller: Writer, body: RuleBody, days: Days = 30
) -> RehearsalDto:
    """What a rule would have done in the last days, by what is known of them today."""
    known = await known_deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        await _metrics(read, caller, known, body)
        found = await rehearsed(
            read,
            caller.organization,
            known,
            condition_of(body.model_dump()),
            now=parts.clock.now(),
            days=days,
        )
    return RehearsalDto(
        start=found.start,
        end=found.end,
        checks=found.checks,
        fired=len(found.firings),
        firings=[
            FiringDto(
                since=one.since, fired_time=one.fired, resolved_time=one.resolved, worst=one.worst
            )
            for one in reversed(found.firings[-_FIRINGS:])
        ],
        more=max(len(found.firings) - _FIRINGS, 0),
        t=[int(time.timestamp()) for time in found.times],
        values=found.values,
    )


@router.get("/deployments/{deployment}/alert-rules/{rule}")
async def get_rule(deployment: UUID, rule: UUID, parts: Parts, caller: Reader) -> RuleDto:
    """A rule and how it stands."""
    known = await known_deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        metrics = await known_metrics(read, caller.organization, known)
        row = await alerts.find_rule(read, caller.organization, deployment, rule)
    return _rule(_there(row, rule), metrics, parts)


@router.put("/deployments/{deployment}/alert-rules/{rule}")
async def put_rule(
    deployment: UUID, rule: UUID, parts: Parts, caller: Writer, body: RuleBody
) -> RuleDto:
    """Change a rule. With another condition, or switched off, what it fires is over."""
    known = await known_deployment(parts, caller, deployment)
    values: dict[str, Any] = body.model_dump()
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        held = await alerts.lock_rule(tx, caller.organization, deployment, rule)
        row = _there(held, rule)
        metrics = await _metrics(tx, caller, known, body)
        other = any(values[name] != row[name] for name in _CONDITION)
        if other or not body.enabled:
            text = "the rule was changed" if other else "the rule was switched off"
            await close(tx, row, time=parts.clock.now(), text=text, value=None)
            values |= _QUIET
        if other:
            values |= {"checked": None, "value": None}
        row = await alerts.set_rule(tx, rule, due=parts.clock.now(), **values)
    parts.rules_moved.set()
    return _rule(row, metrics, parts)


@router.delete("/deployments/{deployment}/alert-rules/{rule}", status_code=204)
async def delete_rule(deployment: UUID, rule: UUID, parts: Parts, caller: Writer) -> None:
    """Forget a rule. What it fires is over; what it has fired stays."""
    await known_deployment(parts, caller, deployment)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = _there(await alerts.lock_rule(tx, caller.organization, deployment, rule), rule)
        await close(tx, row, time=parts.clock.now(), text="the rule was deleted", value=None)
        await alerts.delete_rule(tx, rule)


@router.put("/deployments/{deployment}/alert-rules/{rule}/silence")
async def silence_rule(
    deployment: UUID, rule: UUID, parts: Parts, caller: Writer, body: SilenceBody
) -> RuleDto:
    """Tell nobody of what the rule fires. It is checked as ever, and told of if the silence ends
    before the alert does."""
    until = body.until or _FOR_GOOD
    if until <= parts.clock.now():
        raise invalid("the silence would be over already", [("until", "must be in the future")])
    return await _silenced(parts, caller, deployment, rule, until=until)


@router.delete("/deployments/{deployment}/alert-rules/{rule}/silence")
async def unsilence_rule(deployment: UUID, rule: UUID, parts: Parts, caller: Writer) -> RuleDto:
    """End a rule's silence."""
    return await _silenced(parts, caller, deployment, rule, until=None)


@router.get("/alerts")
async def list_alerts(
    parts: Parts,
    caller: Reader,
    deployment: UUID | None = None,
    firing: bool | None = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[AlertDto]:
    """What fires and what has fired, of one deployment or of all, the newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await alerts.alerts(
            read,
            caller.organization,
            deployment=deployment,
            firing=firing,
            before=before,
            limit=limit,
        )
    return page(
        rows,
        limit,
        lambda row: AlertDto.model_validate(dict(row)),
        lambda row: write_cursor(row["fired_time"], row["id"]),
    )


async def _silenced(
    parts: Metrics, caller: Caller, deployment: UUID, rule: UUID, *, until: datetime | None
) -> RuleDto:
    known = await known_deployment(parts, caller, deployment)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        _there(await alerts.lock_rule(tx, caller.organization, deployment, rule), rule)
        row = await alerts.set_rule(tx, rule, silenced_until=until)
        metrics = await known_metrics(tx, caller.organization, known)
    return _rule(row, metrics, parts)


async def _metrics(
    read: Read, caller: Caller, deployment: DeploymentChanged, body: RuleBody
) -> Known:
    """The deployment's metrics; the rule's is one of them. Raises Problem 422."""
    found = await known_metrics(read, caller.organization, deployment)
    try:
        metric_of(body.metric, found)
    except MetricUnknown as error:
        raise invalid(str(error), [("metric", str(error))]) from error
    return found


def _there(row: RowMapping | None, rule: UUID) -> RowMapping:
    if row is None:
        raise not_found(f"alert rule {rule}")
    return row


def _rule(row: RowMapping, metrics: Known, parts: Metrics) -> RuleDto:
    metric = metrics.get(row["metric"])
    until = row["silenced_until"]
    facts = dict(row) | {
        "unit": metric.unit if metric else "",
        "text": metric.text if metric else "this deployment has no such metric any more",
        "silenced": until is not None and until > parts.clock.now(),
        "silenced_until": None if until == _FOR_GOOD else until,
    }
    return RuleDto.model_validate(facts)
