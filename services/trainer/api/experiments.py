"""Experiments: how far they are, what they say, what they made."""

import asyncio
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import RowMapping
from starlette.responses import StreamingResponse

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import Problem, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.blobs.signing import attachment
from libs.store.session import Cause
from services.trainer.actions import asking
from services.trainer.api.problems import answered
from services.trainer.api.shown import experiment_dto
from services.trainer.dto import ExperimentDto, LogDto, MetricsDto, log_dto, metrics_dto
from services.trainer.parts import Trainer
from services.trainer.store import experiments, runs
from services.trainer.store.artifacts import artifacts_of

router = APIRouter(prefix="/api/trainer/v1/experiments", tags=["trainer"])
Parts = Annotated[Trainer, part(Trainer)]
Reader = Annotated[Caller, needs(Scope.EXPERIMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.EXPERIMENTS_WRITE)]
_LINES = 1000
_LOOK = 0.1
_INTEGER = 2**31 - 1


@router.get("")
async def list_experiments(
    parts: Parts,
    caller: Reader,
    project: UUID | None = None,
    deployment: UUID | None = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[ExperimentDto]:
    """The experiments of the organisation, of a project or for a deployment, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await experiments.list_experiments(
            read,
            caller.organization,
            project=project,
            deployment=deployment,
            before=before,
            limit=limit,
        )
    return page(
        rows,
        limit,
        partial(experiment_dto, parts),
        lambda row: write_cursor(row["created"], row["id"]),
    )


@router.get("/{experiment}")
async def get_experiment(experiment: UUID, parts: Parts, caller: Reader) -> ExperimentDto:
    """One experiment; one that was asked for a moment ago is waited for."""
    deadline = parts.clock.monotonic() + parts.settings.reference_wait
    while True:
        try:
            return experiment_dto(parts, await find(parts, caller, experiment))
        except Problem:
            if parts.clock.monotonic() >= deadline:
                raise
        await asyncio.sleep(_LOOK)


@router.get("/{experiment}/log")
async def get_log(
    experiment: UUID,
    parts: Parts,
    caller: Reader,
    after: Annotated[int, Query(ge=0, le=_INTEGER)] = 0,
) -> LogDto:
    """Up to 1,000 lines of its log, beyond number `after`."""
    # The experiment first: what it logs before its end is then in the lines read after it.
    row = await find(parts, caller, experiment)
    async with parts.database.read() as read:
        lines = await runs.log_after(
            read, caller.organization, experiment, after=after, limit=_LINES
        )
    end = row["status"] in experiments.ENDED and len(lines) < _LINES
    return log_dto(lines, after=after, end=end)


@router.get("/{experiment}/metrics")
async def get_metrics(experiment: UUID, parts: Parts, caller: Reader) -> MetricsDto:
    """The series of its current attempt: `loss`, `rate`, and what its recipe measures."""
    row = await find(parts, caller, experiment)
    async with parts.database.read() as read:
        series = await runs.series_of(read, caller.organization, experiment, attempt=row["attempt"])
    return metrics_dto(series)


@router.post("/{experiment}/cancel", status_code=202)
async def cancel_experiment(experiment: UUID, parts: Parts, caller: Writer) -> ExperimentDto:
    """Ask for its end: at once where it waits, within a step where it runs."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await asking.call_off(tx, caller.organization, experiment)
    return experiment_dto(parts, row)


@router.get("/{experiment}/artifacts/{name}", response_class=StreamingResponse)
async def get_artifact(
    experiment: UUID, name: str, parts: Parts, caller: Reader
) -> StreamingResponse:
    """A file that it made."""
    row = await find(parts, caller, experiment)
    found = next((one for one in artifacts_of(row) if one.name == name), None)
    info = await parts.blobs.stat(found.key) if found is not None else None
    if found is None or info is None:
        raise not_found(f"artifact {name!r} of experiment {experiment}")
    return StreamingResponse(
        parts.blobs.stream(info.key),
        media_type=info.content_type,
        headers={
            "Content-Length": str(info.size),
            "Content-Disposition": attachment(found.filename),
            "ETag": f'"{found.sha256}"',
        },
    )


async def find(parts: Trainer, caller: Caller, experiment: UUID) -> RowMapping:
    """An experiment. Raises Problem 404."""
    async with parts.database.read() as read:
        row = await experiments.find_experiment(read, caller.organization, experiment)
    if row is None:
        raise not_found(f"experiment {experiment}")
    return row
