"""Who is told of events: webhooks, chats and mailboxes, and the log of what was told to them."""

import asyncio
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_time_cursor, write_cursor
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import uuid7
from libs.store.session import Cause
from services.gateway import store
from services.gateway.core import delivery as deliveries
from services.gateway.core.addresses import BadTarget, port_of, read_url
from services.gateway.core.delivery import DeliveryState, Kind, new_secret
from services.gateway.dto import (
    Asked,
    AttemptDto,
    ChangedReceiver,
    LastAttempt,
    MadeReceiver,
    NewReceiver,
    ReceiverDto,
    ToldDto,
)
from services.gateway.dto.receivers import check_target
from services.gateway.parts import Gateway
from services.gateway.workers.sending import AddressRefused, resolved

router = APIRouter(prefix="/api/gateway/v1", tags=["receivers"])
Parts = Annotated[Gateway, part(Gateway)]
# Who may make tokens may say where events go: a receiver is told what its makers may read.
Reader = Annotated[Caller, needs(Scope.TOKENS_READ)]
Writer = Annotated[Caller, needs(Scope.TOKENS_WRITE)]
_MOST = 100
_RESOLVE_SECONDS = 3.0


@router.get("/receivers")
async def list_receivers(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[ReceiverDto]:
    """Who is told of events, and how it went last."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await store.list_receivers(read, caller.organization, before=before, limit=limit)
        last = await store.last_settled(read, caller.organization, [row["id"] for row in rows])
    return page(
        rows,
        limit,
        lambda row: _receiver(row, last.get(row["id"])),
        lambda row: write_cursor(row["created"], row["id"]),
    )


@router.post("/receivers", status_code=201)
async def add_receiver(parts: Parts, caller: Writer, body: NewReceiver) -> MadeReceiver:
    """Tell somebody of events from now on. A webhook's secret is shown this once."""
    await _check(parts, body.kind, body.target)
    now = parts.clock.now()
    row = body.model_dump() | {
        "id": uuid7(now),
        "organization": caller.organization,
        "secret": new_secret() if body.kind is Kind.WEBHOOK else None,
        "created": now,
    }
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        held = await store.list_receivers(tx, caller.organization, before=None, limit=_MOST)
        if len(held) >= _MOST:
            raise conflict("too-many-receivers", f"an organisation has {_MOST} receivers at most")
        made = await store.add_receiver(tx, row)
    return MadeReceiver.model_validate(dict(made))


@router.put("/receivers/{receiver}")
async def put_receiver(
    receiver: UUID, parts: Parts, caller: Writer, body: ChangedReceiver
) -> ReceiverDto:
    """Change who is told, and of what. What waits to be told goes to the new target."""
    async with parts.database.read() as read:
        held = _there(await store.find_receiver(read, caller.organization, receiver), receiver)
    await _check(parts, Kind(held["kind"]), body.target)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await store.set_receiver(tx, caller.organization, receiver, **body.model_dump())
        last = await store.last_settled(tx, caller.organization, [receiver])
    return _receiver(_there(row, receiver), last.get(receiver))


@router.delete("/receivers/{receiver}", status_code=204)
async def delete_receiver(receiver: UUID, parts: Parts, caller: Writer) -> None:
    """Tell somebody no more, and forget the log."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        if not await store.delete_receiver(tx, caller.organization, receiver):
            raise not_found(f"receiver {receiver}")


@router.post("/receivers/{receiver}/secret")
async def renew_secret(receiver: UUID, parts: Parts, caller: Writer) -> MadeReceiver:
    """Sign with a new secret from now on; it is shown this once."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        held = _there(await store.find_receiver(tx, caller.organization, receiver), receiver)
        if Kind(held["kind"]) is not Kind.WEBHOOK:
            raise conflict("not-signed", "only a webhook's requests are signed")
        row = await store.set_receiver(tx, caller.organization, receiver, secret=new_secret())
    return MadeReceiver.model_validate(dict(_there(row, receiver)))


@router.post("/receivers/{receiver}/test", status_code=202)
async def test_receiver(receiver: UUID, parts: Parts, caller: Writer) -> Asked:
    """Tell a receiver that it is tested, as it would be told of anything; the log says how it
    went."""
    now = parts.clock.now()
    event, asked = uuid7(now), uuid7(now)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = _there(await store.find_receiver(tx, caller.organization, receiver), receiver)
        if not row["enabled"]:
            raise conflict("switched-off", "the receiver is switched off: nothing is sent to it")
        await store.add_delivery(
            tx,
            {
                "id": asked,
                "organization": caller.organization,
                "receiver": receiver,
                "event": event,
                "type": deliveries.TEST,
                "deployment": None,
                "text": f"This is a test, asked for by {caller.name}",
                "body": deliveries.test_event(event, caller.organization, now, actor=caller.actor),
                "due": now,
                "created": now,
            },
        )
    return Asked(delivery=asked)


@router.get("/receivers/{receiver}/deliveries")
async def list_deliveries(
    receiver: UUID, parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[ToldDto]:
    """What was told to a receiver and what waits, the newest first, with every attempt."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        _there(await store.find_receiver(read, caller.organization, receiver), receiver)
        rows = await store.list_deliveries(
            read, caller.organization, receiver, before=before, limit=limit
        )
        tried = await store.attempts_of(read, caller.organization, [row["id"] for row in rows])
    return page(
        rows,
        limit,
        lambda row: _delivery(row, tried.get(row["id"], [])),
        lambda row: write_cursor(row["created"], row["id"]),
    )


@router.post("/deliveries/{delivery}/resend", status_code=202)
async def resend(delivery: UUID, parts: Parts, caller: Writer) -> Asked:
    """Tell a receiver of an event once more, under the same id."""
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        row = await store.send_again(tx, caller.organization, delivery)
    if row is None:
        raise not_found(f"delivery {delivery}")
    return Asked(delivery=row["id"])


async def _check(parts: Gateway, kind: Kind, target: str) -> None:
    """Raises Problem 422: what names no receiver, or one where none may be."""
    settings = parts.settings
    if kind is Kind.EMAIL and settings.smtp_host is None:
        what = "no mail server is set: SIGHTLOOP_GATEWAY_SMTP_HOST"
        raise invalid(what, [("kind", what)])
    try:
        check_target(kind, target)
    except BadTarget as error:
        what = f"not a receiver of this kind: {error}"
        raise invalid(what, [("target", what)]) from error
    if kind is Kind.EMAIL:
        return
    url = read_url(target)
    try:
        # A name that is not known now may be when there is something to tell.
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_RESOLVE_SECONDS):
                await resolved(url.hostname or "", port_of(url), settings.delivery_networks)
    except AddressRefused as error:
        raise invalid(str(error), [("target", str(error))]) from error


def _there(row: RowMapping | None, receiver: UUID) -> RowMapping:
    if row is None:
        raise not_found(f"receiver {receiver}")
    return row


def _receiver(row: RowMapping, last: RowMapping | None) -> ReceiverDto:
    told = None if last is None else LastAttempt.model_validate(dict(last))
    return ReceiverDto.model_validate(dict(row) | {"last": told})


def _delivery(row: RowMapping, tried: list[RowMapping]) -> ToldDto:
    waits = DeliveryState(row["state"]) is DeliveryState.PENDING and not row["held"]
    return ToldDto.model_validate(
        dict(row)
        | {
            "due": row["due"] if waits else None,
            "tried": [AttemptDto.model_validate(dict(one)) for one in tried],
        }
    )
