"""`sightloop dlq`: dead letters, looked at and replayed; consumers, and one let go on."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from libs.bus import dead_letters
from libs.bus.dead_letters import DeadLetter, Filter
from libs.bus.driver import Begin, Bus
from libs.bus.open import open_bus
from libs.schemas.envelope import MalformedEvent, Meta, decode, encode
from libs.schemas.events import BreakerCloseAsked, ProcessReported
from libs.schemas.events.processes import NOBODY
from libs.schemas.ids import uuid7
from libs.schemas.topics import DEAD_LETTERS, PROCESSES
from libs.store.clock import SystemClock
from services.gateway.core.processes import Board, Group

T = TypeVar("T")

BUS_ADDRESS = "bus-address"
dlq = typer.Typer(help=__doc__, no_args_is_help=True)

Data = Annotated[
    Path | None,
    typer.Option(help="Data folder of a running `sightloop up`; else SIGHTLOOP_BUS_URL."),
]
Consumer = Annotated[str | None, typer.Option(help="Only those of a consumer.")]
Topic = Annotated[str | None, typer.Option(help="Only those of a topic.")]
Reason = Annotated[str | None, typer.Option(help="Only those whose reason has this in it.")]
Organization = Annotated[UUID | None, typer.Option(help="Only those of an organisation.")]


class NoBus(Exception):
    """It is not said where the bus is."""


@dlq.command("list")
def list_letters(
    data: Data = None,
    consumer: Consumer = None,
    topic: Topic = None,
    reason: Reason = None,
    organization: Organization = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 50,
) -> None:
    """List dead letters, the newest first."""
    wanted = Filter(consumer=consumer, topic=topic, reason=reason, organization=organization)
    page = _with_bus(data, lambda bus: dead_letters.list_dead_letters(bus, wanted, limit=limit))
    for letter in page.letters:
        typer.echo(
            f"{letter.id:10} {letter.time:%Y-%m-%d %H:%M:%S} {letter.consumer:24} "
            f"{letter.event_type:36} {'replayed: ' if letter.replayed else ''}"
            f"{letter.reason.splitlines()[0][:120] if letter.reason else ''}"
        )
    if page.before is not None:
        typer.echo("there are more; raise --limit or narrow the list")
    if not page.letters:
        typer.echo("no dead letters")


@dlq.command("show")
def show_letter(letter: str, data: Data = None) -> None:
    """Show a dead letter: why it died, its headers and its data."""
    found = _with_bus(data, lambda bus: dead_letters.show(bus, letter))
    typer.echo(json.dumps(_document(found), indent=1))


@dlq.command("replay")
def replay_letters(
    letters: Annotated[list[str] | None, typer.Argument(help="Which; or say --all.")] = None,
    data: Data = None,
    consumer: Consumer = None,
    topic: Topic = None,
    reason: Reason = None,
    organization: Organization = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="All that the filters take and that were not replayed yet."),
    ] = False,
) -> None:
    """Hand dead letters to the consumer that gave them up, once more."""
    if every == bool(letters):
        raise typer.BadParameter("say which dead letters, or --all")
    wanted = Filter(
        consumer=consumer, topic=topic, reason=reason, organization=organization, replayed=False
    )

    async def work(bus: Bus) -> int:
        if every:
            return await dead_letters.replay_all(bus, wanted)
        found = [await dead_letters.show(bus, letter) for letter in letters or ()]
        await dead_letters.replay(bus, found)
        return len(found)

    typer.echo(f"replayed: {_with_bus(data, work)}")


@dlq.command("consumers")
def list_consumers(data: Data = None) -> None:
    """List every consumer: how far behind, and whether it stands still."""
    for group in _with_bus(data, _groups):
        behind = "not consumed" if group.lag is None else f"{group.lag} behind"
        soon = group.caught_up
        when = "" if soon is None else f", caught up in about {soon.total_seconds():.0f} s"
        typer.echo(f"{group.name:28} {behind}{when}")
        for member in group.members:
            if member.consumer.reason and not member.silent:
                typer.echo(f"  {member.host}: {member.consumer.reason.splitlines()[0]}")


@dlq.command("close")
def close_breaker(
    consumer: Annotated[str, typer.Argument(help="As `<service>.<name>`.")], data: Data = None
) -> None:
    """Let a consumer go on that stopped because too many events died: mend first why."""

    async def work(bus: Bus) -> int:
        open_in = [
            member.process
            for group in await _groups(bus)
            for member in group.members
            if group.name == consumer and member.consumer.breaker_open and not member.silent
        ]
        now = SystemClock().now()
        meta = Meta(id=uuid7(now), source="/sightloop/dlq", time=now, organization=NOBODY)
        asked = [BreakerCloseAsked(process=process, consumer=consumer) for process in open_in]
        if asked:
            await bus.sink.publish([encode(one, meta) for one in asked])
        return len(asked)

    typer.echo(f"told to go on: {_with_bus(data, work)} processes")


async def _groups(bus: Bus) -> list[Group]:
    """What the processes said in the last hour, put together."""
    board = Board()
    async with bus.reader([PROCESSES], begin=Begin.START) as reader:
        done = False
        while not done:
            done = await reader.caught_up()
            for record in await reader.fetch(limit=500, wait=0 if done else 1):
                try:
                    event = decode(record.message.headers, record.message.value).data
                except MalformedEvent:
                    continue
                if isinstance(event, ProcessReported):
                    board.take(event)
    return board.groups(SystemClock().now())


def _with_bus(data: Path | None, work: Callable[[Bus], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _opened(data) as bus:
            return await work(bus)

    return asyncio.run(run())


@asynccontextmanager
async def _opened(data: Path | None) -> AsyncIterator[Bus]:
    async with open_bus(_address(data), clock=SystemClock()) as bus:
        await bus.ensure([DEAD_LETTERS, PROCESSES])
        yield bus


def _address(data: Path | None) -> str:
    if data is None:
        try:
            return os.environ["SIGHTLOOP_BUS_URL"]
        except KeyError:
            raise NoBus("say where the bus is: --data FOLDER, or SIGHTLOOP_BUS_URL") from None
    path = data.expanduser() / BUS_ADDRESS
    try:
        return path.read_text()
    except OSError as error:
        raise NoBus(f"no `sightloop up` runs on {data}: {path}: {error.strerror}") from error


def _document(letter: DeadLetter) -> dict[str, object]:
    def shown(value: object) -> object:
        return value.isoformat() if isinstance(value, datetime) else value

    fields = (
        "id", "time", "consumer", "reason", "organization", "topic", "partition", "offset",
        "replayed",
    )  # fmt: skip
    try:
        body: object = json.loads(letter.value)
    except ValueError:
        body = letter.value.decode(errors="replace")
    return {name: shown(getattr(letter, name)) for name in fields} | {
        "key": letter.key,
        "headers": {name: value.decode(errors="replace") for name, value in letter.headers},
        "data": body,
    }
