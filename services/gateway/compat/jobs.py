"""Jobs of every service, in the existing client's two kinds of words."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import AnyCaller
from libs.api.compat import compat_router
from libs.api.problems import not_found
from libs.api.tokens import Caller
from libs.schemas.events import JobState
from services.gateway import store
from services.gateway.parts import Gateway

router = compat_router()
Parts = Annotated[Gateway, part(Gateway)]
# The list of jobs is told by events.
_WAIT_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_FIRST = {
    JobState.QUEUED: "RUNNING",
    JobState.RUNNING: "RUNNING",
    JobState.SUCCEEDED: "SUCCESS",
    JobState.FAILED: "FAILED",
    JobState.CANCELLED: "TERMINATED",
}
_SECOND = {
    JobState.QUEUED: "QUEUED",
    JobState.RUNNING: "RUNNING",
    JobState.SUCCEEDED: "SUCCEEDED",
    JobState.FAILED: "FAILED",
    JobState.CANCELLED: "KILLED",
}


@router.get("/api/job/{job}")
async def get_job(job: UUID, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """A job; one that a service has made a moment ago is waited for."""
    return _json(await _find(parts, caller, job), _FIRST)


@router.get("/api/v2/job/{job}")
async def get_job_run(job: UUID, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """A job in the words of the client's second kind."""
    return _json(await _find(parts, caller, job), _SECOND)


@router.get("/api/organization/{organization}/jobv2s/find")
async def find_job(
    organization: UUID,
    parts: Parts,
    caller: AnyCaller,
    id: UUID,  # noqa: A002
) -> dict[str, Any]:
    """A job by its id."""
    if organization != caller.organization:
        raise not_found(f"organization {organization}")
    return _json(await _find(parts, caller, id), _SECOND)


async def _find(parts: Gateway, caller: Caller, job: UUID) -> RowMapping:
    deadline = parts.clock.monotonic() + _WAIT_SECONDS
    while True:
        async with parts.database.read() as read:
            row = await store.find_job(read, caller.organization, job)
        if row is not None:
            return row
        if parts.clock.monotonic() >= deadline:
            raise not_found(f"job {job}")
        await asyncio.sleep(_LOOK_SECONDS)


def _json(row: RowMapping, words: dict[JobState, str]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": words[JobState(row["state"])],
        "done": row["done"],
        "total": row["total"],
        "message": row["error"] or row["message"],
    }
