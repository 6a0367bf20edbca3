"""The routes that let a caller watch and cancel a service's jobs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import RowMapping

from libs.api.caller import AnyCaller, needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store import jobs
from libs.store.session import Cause, Database


class JobDto(BaseModel):
    """A job: what it is about and how far it is."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    subject: str
    state: str
    done: int
    total: int
    message: str
    attempt: int
    error: str | None
    created: datetime
    finished: datetime | None


def job_routes(service: str, database: Database, cancel: Scope) -> APIRouter:
    """`/api/<service>/v1/jobs…`; cancelling needs the scope `cancel`."""
    router = APIRouter(prefix=f"/api/{service}/v1/jobs", tags=[service])

    @router.get("")
    async def list_jobs(
        caller: AnyCaller, limit: Limit = 50, cursor: CursorText = None
    ) -> Page[JobDto]:
        """The organisation's jobs of this service, newest first."""
        before = read_time_cursor(cursor)
        async with database.read() as read:
            rows = await read.all(jobs.listed(caller.organization, before=before).limit(limit + 1))
        return page(rows, limit, _dto, lambda row: write_cursor(row["created"], row["id"]))

    @router.get("/{job}")
    async def get_job(caller: AnyCaller, job: UUID) -> JobDto:
        """One job."""
        async with database.read() as read:
            return _dto(await jobs.find(read, job, organization=caller.organization))

    @router.post("/{job}/cancel", status_code=202)
    async def cancel_job(caller: Annotated[Caller, needs(cancel)], job: UUID) -> JobDto:
        """Ask for the end of a job; nothing happens where it has ended."""
        async with database.begin(Cause(actor=caller.actor)) as tx:
            await jobs.cancel(tx, job, organization=caller.organization)
            return _dto(await jobs.find(tx, job, organization=caller.organization))

    return router


def _dto(row: RowMapping) -> JobDto:
    return JobDto.model_validate(dict(row))
