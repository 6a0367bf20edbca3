"""What metrics does with events: count, count off, compare with reviews."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

import msgspec

from libs.bus.consumer import OK, Drop, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import (
    DataDeleted,
    DrawClosed,
    PredictionDeleted,
    PredictionLogged,
    PredictionReviewed,
    PredictionShadowLogged,
    PredictionSkipped,
)
from libs.schemas.values import Logged
from libs.store.session import Tx
from services.metrics.actions.deployments import Registers, champion_threshold, registers
from services.metrics.actions.matching import judged
from services.metrics.core import aggregate
from services.metrics.core.agreement import disagree
from services.metrics.core.content import Content, unpack
from services.metrics.core.scored import Scored
from services.metrics.parts import Metrics
from services.metrics.store import predictions, progress, reviews, rollups
from services.metrics.store.predictions import Counted

_DELETED = Drop("the prediction was deleted")
_Counted = tuple[aggregate.Deltas, aggregate.Heats]


async def on_logged(
    parts: Metrics, tx: Tx, events: Sequence[Received[PredictionLogged]]
) -> Sequence[Outcome]:
    """Count predictions. The row's key is the prediction's: told again, it is not counted again."""
    by_deployment = sorted(events, key=lambda e: (e.organization, e.data.deployment))
    for (organization, deployment), some in groupby(
        by_deployment, key=lambda e: (e.organization, e.data.deployment)
    ):
        first: dict[UUID, Logged] = {}
        for event in some:
            first.setdefault(event.data.logged.prediction, event.data.logged)
            if event.meta.traceparent is not None:
                parts.traces[deployment] = event.meta.traceparent
        await _count(parts, tx, organization, deployment, list(first.values()))
    return [OK] * len(events)


async def on_shadow_logged(
    parts: Metrics, tx: Tx, event: Received[PredictionShadowLogged]
) -> Outcome:
    """Count the shadow's answer to a prediction that was counted without one."""
    data, organization = event.data, event.organization
    rows = await predictions.lock(tx, organization, data.deployment, [data.prediction])
    if not rows:
        return Drop("no such prediction")
    content = unpack(rows[0]["content"])
    if content.shadow is not None:
        return Drop("the shadow was counted")
    at = await registers(parts, tx, organization, data.deployment, [data.shadow])
    shadow = at.side(data.shadow)
    champion = champion_threshold(parts, data.deployment)
    content = msgspec.structs.replace(
        content,
        shadow=shadow,
        disagrees=disagree(
            content.champion,
            shadow,
            thresholds=(champion, at.thresholds[data.shadow.version]),
            size=(content.width, content.height),
        ),
    )
    await predictions.replace_content(tx, data.deployment, data.prediction, content)
    times = [rows[0]["event_time"]]
    deltas = aggregate.together(
        [aggregate.shadow_deltas([content], times), aggregate.details([content], times, late=True)]
    )
    moved = await progress.advance(tx, organization, data.deployment, logged=1)
    await rollups.add(tx, organization, data.deployment, deltas, moved=moved)
    return OK


async def on_deleted(tx: Tx, event: Received[PredictionDeleted]) -> Outcome:
    """Take a prediction out of every number it is in."""
    logged, organization = event.data.logged, event.organization
    row = await predictions.bury(tx, organization, logged)
    await reviews.delete_one(tx, organization, logged.deployment, logged.prediction)
    moved = await progress.advance(
        tx,
        organization,
        logged.deployment,
        predictions=-1 if row is not None else 0,
        logged=1,
        reviewed=1,
    )
    if row is not None:
        content, time = unpack(row["content"]), row["event_time"]
        added, covered = _counted([content], [time])
        deltas = {place: -bucket for place, bucket in added.items()}
        scored = Scored.of_row(row)
        if scored is not None:
            for place, bucket in aggregate.spread({time: scored.bucket()}).items():
                deltas[place] = deltas[place] - bucket
        which = organization, logged.deployment
        await rollups.add(tx, *which, deltas, moved=moved)
        await rollups.add_heat(tx, *which, covered, moved=moved, sign=-1)
    return OK


async def on_reviewed(parts: Metrics, tx: Tx, event: Received[PredictionReviewed]) -> Outcome:
    """Compare both models' answers with the review; a correction replaces what is held."""
    logged, organization = event.data.logged, event.organization
    if await predictions.is_buried(tx, organization, logged.deployment, logged.prediction):
        return _DELETED
    row = await judged(parts, tx, organization, event.data)
    if not await reviews.put(tx, row):
        return Drop("a later revision is held")
    await reviews.unskip(tx, organization, logged.deployment, logged.prediction)
    await progress.advance(tx, organization, logged.deployment, reviewed=1)
    return OK


async def on_skipped(tx: Tx, event: Received[PredictionSkipped]) -> Outcome:
    """A drawn image was left out; one picked by hand says nothing about the traffic."""
    data, organization = event.data, event.organization
    if data.pi is None:
        return Drop("the image was not drawn")
    await reviews.skip(tx, organization, data.deployment, data.prediction, pi=data.pi)
    await progress.advance(tx, organization, data.deployment, reviewed=1)
    return OK


async def on_draw_closed(tx: Tx, event: Received[DrawClosed]) -> Outcome:
    """What was drawn and not served changes the probabilities of what was."""
    data, organization = event.data, event.organization
    await reviews.close_draw(
        tx, organization, data.deployment, data.draw, served=data.served, chosen=data.chosen
    )
    await progress.advance(tx, organization, data.deployment, reviewed=1)
    return OK


async def on_data_deleted(tx: Tx, event: Received[DataDeleted]) -> Outcome:
    """An image is gone: what waits to be scored need not wait."""
    await predictions.forget_picture(
        tx, event.organization, event.data.data, erase=event.data.erase
    )
    return OK


async def _count(
    parts: Metrics, tx: Tx, organization: UUID, deployment: UUID, logged: Sequence[Logged]
) -> None:
    outputs = [
        output for one in logged for output in (one.champion, one.shadow) if output is not None
    ]
    at = await registers(parts, tx, organization, deployment, outputs)
    now = tx.clock.now()
    counted = [Counted(logged=one, content=_content(one, at, now)) for one in logged]
    new = await predictions.insert_counted(tx, organization, deployment, counted)
    fresh = [one for one in counted if one.logged.prediction in new]
    if not fresh:
        return
    deltas, heats = await asyncio.to_thread(
        _counted, [one.content for one in fresh], [one.logged.event_time for one in fresh]
    )
    which = organization, deployment
    moved = await progress.advance(tx, *which, predictions=len(fresh), logged=1)
    await rollups.add(tx, *which, deltas, moved=moved)
    await rollups.add_heat(tx, *which, heats, moved=moved)


def _content(logged: Logged, at: Registers, now: datetime) -> Content:
    champion = at.side(logged.champion)
    shadow = None if logged.shadow is None else at.side(logged.shadow)
    disagrees = None
    if logged.shadow is not None and shadow is not None:
        versions = logged.champion.version, logged.shadow.version
        thresholds = at.thresholds[versions[0]], at.thresholds[versions[1]]
        disagrees = disagree(
            champion, shadow, thresholds=thresholds, size=(logged.width, logged.height)
        )
    return Content(
        width=logged.width,
        height=logged.height,
        lag=max((now - logged.receive_time).total_seconds(), 0.0),
        champion=champion,
        shadow=shadow,
        disagrees=disagrees,
    )


def _counted(contents: Sequence[Content], times: Sequence[datetime]) -> _Counted:
    deltas = [aggregate.deltas(contents, times), aggregate.details(contents, times)]
    return aggregate.together(deltas), aggregate.heats(contents, times)
