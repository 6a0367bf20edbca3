"""Live updates and the list of every service's jobs."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from libs.api.app import part
from libs.api.caller import AnyCaller, needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import unavailable
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.gateway import store
from services.gateway.dto import KnownJob
from services.gateway.errors import FeedFull
from services.gateway.parts import Gateway

router = APIRouter(prefix="/api/gateway/v1", tags=["gateway"])
Parts = Annotated[Gateway, part(Gateway)]


@router.get("/events", response_class=StreamingResponse)
async def listen(
    parts: Parts,
    caller: Annotated[Caller, needs(Scope.PREDICTIONS_READ)],
    deployment: UUID | None = None,
    after: Annotated[str | None, Header(alias="Last-Event-ID", max_length=64)] = None,
) -> StreamingResponse:
    """Server-sent events: what changed. `reset`: more was missed than is kept, fetch anew."""
    stream = parts.feed.stream(
        caller.organization, deployment=str(deployment) if deployment else None, after=after
    )
    try:
        first = await anext(stream)
    except FeedFull as error:
        raise unavailable(str(error), retry_after=5) from error

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for event in stream:
            yield event

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), media_type="text/event-stream", headers=headers)


@router.get("/jobs")
async def list_jobs(
    parts: Parts, caller: AnyCaller, limit: Limit = 50, cursor: CursorText = None
) -> Page[KnownJob]:
    """The jobs of every service, the last changed first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await store.list_jobs(read, caller.organization, before=before, limit=limit)
    return page(
        rows,
        limit,
        lambda row: KnownJob.model_validate(dict(row)),
        lambda row: write_cursor(row["changed"], row["id"]),
    )
