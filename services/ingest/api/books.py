"""The books: what became of every prediction that was sent."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_cursor, write_cursor
from libs.api.problems import invalid, not_found
from libs.api.scopes import Scope
from libs.api.times import Time
from libs.api.tokens import Caller
from libs.schemas.events import State
from services.ingest import actions, store
from services.ingest.core.books import Ledger
from services.ingest.dto import LedgerDto, NamedLedger, Rejections, ledger_dto, named_ledger
from services.ingest.errors import DeploymentUnknown
from services.ingest.parts import Ingest

router = APIRouter(prefix="/api/ingest/v1", tags=["books"])
Parts = Annotated[Ingest, part(Ingest)]
Reader = Annotated[Caller, needs(Scope.PREDICTIONS_READ)]
LONGEST = timedelta(days=92)


@router.get("/deployments/{deployment}/ledger")
async def get_ledger(deployment: UUID, parts: Parts, caller: Reader) -> LedgerDto:
    """The books of a deployment."""
    try:
        await actions.deployment_of(parts, caller.organization, deployment)
    except DeploymentUnknown as error:
        raise not_found(f"deployment {deployment}") from error
    async with parts.database.read() as read:
        books = await store.ledger(read, caller.organization, deployment, now=parts.clock.now())
    return ledger_dto(books)


@router.get("/ledgers")
async def list_ledgers(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[NamedLedger]:
    """The books of every deployment, by name."""
    after = read_cursor(cursor, tuple[str, UUID])
    named = sorted(
        (known.data.name, known.data.deployment)
        for known in parts.deployments.values()
        if known.organization == caller.organization and known.data.state is not State.DELETED
    )
    async with parts.database.read() as read:
        found = await store.ledgers(read, caller.organization, now=parts.clock.now())
    books = {ledger.deployment: ledger for ledger in found}
    rows = [
        (name, books.get(one) or Ledger(organization=caller.organization, deployment=one))
        for name, one in named
        if after is None or (name, one) > after
    ]
    return page(
        rows[: limit + 1],
        limit,
        lambda row: named_ledger(*row),
        lambda row: write_cursor(row[0], row[1].deployment),
    )


@router.get("/rejections")
async def list_rejections(
    parts: Parts,
    caller: Reader,
    since: Annotated[Time, Query(description="With a time zone.")],
    until: Annotated[Time | None, Query(description="Now where it is not given.")] = None,
    deployment: UUID | None = None,
) -> Rejections:
    """What was refused at the door: counts by deployment, hour (UTC) and reason."""
    end = until or parts.clock.now()
    if since.tzinfo is None or end.tzinfo is None:
        raise invalid("a time has no time zone", [("since", "add Z or an offset")])
    if not timedelta(0) <= end - since <= LONGEST:
        raise invalid("the range is not usable", [("since", f"at most {LONGEST.days} days ago")])
    start = since.replace(minute=0, second=0, microsecond=0)
    async with parts.database.read() as read:
        rows = await store.rejections(
            read, caller.organization, since=start, until=end, deployment=deployment
        )
    return Rejections.model_validate({"items": [dict(row) for row in rows]})
