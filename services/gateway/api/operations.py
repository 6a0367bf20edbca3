"""For those who operate the platform: dead letters, and how every consumer is.

All of it is the platform's and no organisation's, so it needs the scope `operate`.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query

from libs.api.app import part
from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from libs.api.problems import invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.bus import dead_letters
from libs.bus.dead_letters import DeadLetterNotFound, Filter
from libs.schemas.envelope import Meta, encode
from libs.schemas.events import BreakerCloseAsked
from libs.schemas.events.processes import NOBODY
from libs.schemas.ids import uuid7
from services.gateway.dto import (
    ConsumerDto,
    Consumers,
    DeadLetterDetail,
    DeadLetterDto,
    Replay,
    Replayed,
    consumer_dto,
    dead_letter_detail,
    dead_letter_dto,
)
from services.gateway.parts import Gateway

router = APIRouter(prefix="/api/gateway/v1", tags=["operations"])
Parts = Annotated[Gateway, part(Gateway)]
Operator = Annotated[Caller, needs(Scope.OPERATE)]
Text = Annotated[str | None, Query(max_length=200)]

log = structlog.get_logger()


@router.get("/dead-letters")
async def list_dead_letters(
    parts: Parts,
    _: Operator,
    organization: UUID | None = None,
    topic: Text = None,
    consumer: Text = None,
    reason: Text = None,
    replayed: bool | None = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[DeadLetterDto]:
    """Dead letters of every organisation, newest first. `reason`: a part of it."""
    wanted = Filter(
        consumer=consumer,
        topic=topic,
        reason=reason,
        organization=organization,
        replayed=replayed,
    )
    before = read_cursor(cursor, tuple[datetime, str])
    found = await dead_letters.list_dead_letters(parts.bus, wanted, limit=limit, before=before)
    return Page(
        items=[dead_letter_dto(letter) for letter in found.letters],
        next_cursor=None if found.before is None else write_cursor(*found.before),
    )


@router.get("/dead-letters/{letter}")
async def get_dead_letter(letter: str, parts: Parts, _: Operator) -> DeadLetterDetail:
    """A dead letter with its headers, its data and the whole reason."""
    try:
        return dead_letter_detail(await dead_letters.show(parts.bus, letter))
    except DeadLetterNotFound as error:
        raise not_found(f"dead letter {letter}") from error


@router.post("/dead-letters/replay")
async def replay_dead_letters(body: Replay, parts: Parts, caller: Operator) -> Replayed:
    """Hand dead letters to the consumer that gave them up, once more.

    Either `letters`, or `all` that the filters take and that were not replayed yet.
    """
    if bool(body.letters) == body.all:
        raise invalid("say which dead letters, or all", [("letters", "or `all`: true")])
    if body.all:
        wanted = Filter(
            consumer=body.consumer,
            topic=body.topic,
            reason=body.reason,
            organization=body.organization,
            replayed=False,
        )
        count = await dead_letters.replay_all(parts.bus, wanted)
    else:
        try:
            found = [await dead_letters.show(parts.bus, letter) for letter in body.letters]
        except DeadLetterNotFound as error:
            raise not_found(f"dead letter {error}") from error
        await dead_letters.replay(parts.bus, found)
        count = len(found)
    log.warning("dead_letters.replayed", actor=caller.actor, count=count)
    return Replayed(replayed=count)


@router.get("/consumers")
async def list_consumers(parts: Parts, _: Operator) -> Consumers:
    """Every consumer as its processes last reported it: how far behind, and whether it stands."""
    groups = parts.board.groups(parts.clock.now())
    return Consumers(items=[consumer_dto(group) for group in groups])


@router.post("/consumers/{consumer}/close-breaker", status_code=202)
async def close_breaker(consumer: str, parts: Parts, caller: Operator) -> ConsumerDto:
    """Let a consumer go on that stopped because too many events died. Mend first why they did.

    Each of its processes is told; the next report says what became of it.
    """
    now = parts.clock.now()
    group = next((one for one in parts.board.groups(now) if one.name == consumer), None)
    if group is None:
        raise not_found(f"consumer {consumer}")
    asked = [
        encode(
            BreakerCloseAsked(process=member.process, consumer=consumer),
            Meta(
                id=uuid7(now),
                source="/sightloop/gateway",
                time=now,
                organization=NOBODY,
                actor=caller.actor,
            ),
        )
        for member in group.members
        if member.consumer.breaker_open and not member.silent
    ]
    if asked:
        await parts.sink.publish(asked)
        log.warning("breaker.close_asked", actor=caller.actor, consumer=consumer)
    return consumer_dto(group)
