"""Finding and listing predicted assets, as the existing client does."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from libs.api.compat import compat_router
from libs.api.paging import read_time_cursor, write_cursor
from libs.api.problems import invalid, not_found
from libs.api.tokens import Caller
from libs.store.session import Read
from services.review.api.asked import Parts, Reader, deployment_of
from services.review.compat.queries import asked_for
from services.review.compat.shown import asset_json
from services.review.parts import Reviews
from services.review.store import assets, content, deletions
from services.review.store.assets import Order, Wanted

router = compat_router()
_PATH = "/api/deployment/{deployment}/predictedassets"
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, lt=2**31)]
_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_ORDERS = {
    "created_at": Order.TIME,
    "timestamp": Order.TIME,
    "data.created_at": Order.TIME,
    "filename": Order.FILENAME,
    "data.filename": Order.FILENAME,
    "latency": Order.LATENCY,
    "outlier_score": Order.OUTLIER,
    "status": Order.STATUS,
}


@router.get(_PATH + "/find")
async def find_asset(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    id: UUID | None = None,  # noqa: A002
    oracle_prediction_id: UUID | None = None,
    object_name: Annotated[str | None, Query(max_length=1024)] = None,
    filename: Annotated[str | None, Query(max_length=1024)] = None,
    data_id: UUID | None = None,
) -> dict[str, Any]:
    """The one asset that fits; one logged a moment ago is waited for."""
    await deployment_of(parts, caller, deployment)
    named = {one for one in (id, oracle_prediction_id) if one is not None}
    if len(named) > 1:
        raise not_found("such predicted asset")
    if not named and (filename, object_name, data_id) == (None, None, None):
        raise invalid("say what to find", [("id", "give it, or another")])
    for one in named:
        await _arrived(parts, caller, deployment, one)
    wanted = Wanted(ids=named or None, data=data_id, filename=filename)
    async with parts.database.read() as read:
        rows = await assets.matching(read, caller.organization, deployment, wanted, limit=1000)
        ids = [row["id"] for row in rows]
        held = await content.logged(read, caller.organization, deployment, ids)
    found = [
        held[one]
        for one in ids
        if one in held and object_name in (None, _object(held[one].picture))
    ]
    if not found:
        raise not_found("such predicted asset")
    if len(found) > 1:
        raise invalid(f"{len(found)} predicted assets fit; say more of the one")
    return asset_json(caller.organization, found[0])


@router.get(_PATH)
async def list_assets(
    deployment: UUID,
    parts: Parts,
    caller: Reader,
    limit: Limit = 1000,
    offset: Offset = 0,
    order_by: Annotated[list[str] | None, Query(max_length=5)] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    q: Annotated[str | None, Query(max_length=4000)] = None,
) -> dict[str, Any]:
    """Assets, newest first and with a cursor; or as asked, by offset. `count`: of all."""
    target = await deployment_of(parts, caller, deployment)
    async with parts.database.read() as read:
        wanted = Wanted(query=await asked_for(read, caller, target, q or ""))
        count = await assets.count(read, caller.organization, deployment, wanted)
        if order_by:
            orders = [_order(one) for one in order_by]
            rows = await assets.ordered(
                read, caller.organization, deployment, wanted,
                orders=orders, offset=offset, limit=limit,
            )  # fmt: skip
        else:
            after = read_time_cursor(cursor)
            rows = await assets.page(
                read, caller.organization, deployment, wanted,
                after=after, offset=offset, limit=limit,
            )  # fmt: skip
        more = not order_by and len(rows) > limit
        rows = rows[:limit]
        items = await _items(read, caller.organization, deployment, [row["id"] for row in rows])
    last = rows[-1] if more else None
    return {
        "items": items,
        "count": count,
        "next_cursor": write_cursor(last["event_time"], last["id"]) if last is not None else None,
    }


async def _arrived(parts: Reviews, caller: Caller, deployment: UUID, one: UUID) -> None:
    """Return when a prediction is here. Raises Problem 404 for one that will not come.

    Clients ask for it right after they have logged it, and once only.
    """
    deadline = parts.clock.monotonic() + max(parts.settings.wait, _WAIT_SECONDS)
    while True:
        async with parts.database.read() as read:
            wanted = Wanted(ids=[one], with_picture=False)
            if await assets.matching(read, caller.organization, deployment, wanted, limit=1):
                return
            gone = await deletions.was_deleted(read, caller.organization, deployment, one)
        if gone or parts.clock.monotonic() >= deadline:
            raise not_found("such predicted asset")
        await asyncio.sleep(_LOOK_SECONDS)


async def _items(
    read: Read, organization: UUID, deployment: UUID, ids: list[UUID]
) -> list[dict[str, Any]]:
    held = await content.logged(read, organization, deployment, ids)
    return [asset_json(organization, held[one]) for one in ids if one in held]


def _order(text: str) -> tuple[Order, bool]:
    name = text.removeprefix("-")
    if name not in _ORDERS:
        known = ", ".join(sorted(_ORDERS))
        raise invalid(f"there is no order {name!r}", [("order_by", f"there are {known}")])
    return _ORDERS[name], text.startswith("-")


def _object(picture: Any) -> str | None:
    return picture.key if picture is not None else None
