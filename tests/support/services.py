"""A service as a whole, on the embedded parts: HTTP client, events in, events out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from pydantic import SecretStr

from libs.api.scopes import ROLES, Role, Scope
from libs.api.tokens import Claims, read_private_key, sign
from libs.bus.driver import Begin
from libs.runtime.resources import open_context
from libs.runtime.service import Context, Service
from libs.runtime.settings import Platform
from libs.runtime.supervisor import Supervisor, listen
from libs.schemas.envelope import Event, MalformedEvent, Meta, Received, decode, encode
from libs.schemas.ids import uuid7
from libs.schemas.topics import TOPICS
from libs.store.clock import SystemClock
from sightloop.keys import Keys
from sightloop.targets import build_of
from tests.support.databases import BUS, Databases
from tests.support.waiting import eventually

E = TypeVar("E", bound=Event)
Run = Callable[..., AbstractAsyncContextManager["RunningServices"]]


@dataclass
class RunningServices:
    """Services that run in this test, and an organisation that uses them.

    `http`: a client with an admin's token; `stranger`: an admin of another organisation.
    """

    context: Context
    services: dict[str, Service]
    keys: Keys
    url: str
    organization: UUID
    http: httpx.AsyncClient
    stranger: httpx.AsyncClient
    received: list[Received[Event]] = field(default_factory=list)

    def parts(self, kind: type[Any]) -> Any:
        """A service's parts, by their type."""
        return next(s.parts for s in self.services.values() if isinstance(s.parts, kind))

    def token(self, *scopes: Scope, organization: UUID | None = None) -> str:
        """A token of the organisation with just these scopes."""
        return token_of(self.keys, organization or self.organization, frozenset(scopes))

    async def publish(self, *events: Event, organization: UUID | None = None) -> None:
        """Put events on the bus, as another service would.

        Returns when every table that keeps them knows them: what a request waits for by itself is
        short, and a slow machine is slower.
        """
        now = self.context.clock.now()
        await self.context.bus.sink.publish(
            [
                encode(
                    event,
                    Meta(
                        id=uuid7(now),
                        source="/test",
                        time=now,
                        organization=organization or self.organization,
                    ),
                )
                for event in events
            ]
        )
        for event in events:
            if type(event) in self.context.tables:
                await self.known(type(event), event.key, revision=event.revision)  # type: ignore[attr-defined]  # every compacted event has one

    async def known(self, kind: type[Event], key: object, *, revision: int = 1) -> None:
        """Return when the table of a compacted event knows a key, at this revision or later."""
        table = self.context.table(kind)

        async def revision_known() -> int:
            found = table.get(str(key))
            return found.data.revision if found is not None else 0

        await eventually(revision_known, lambda known: known >= revision)

    def emitted(self, kind: type[E]) -> list[E]:
        """Every event of a kind that has been on the bus, in the order seen."""
        return [r.data for r in self.received if isinstance(r.data, kind)]

    async def wait_for(self, kind: type[E], count: int = 1) -> list[E]:
        """The events of a kind, once there are `count` of them."""

        async def look() -> list[E]:
            return self.emitted(kind)

        return await eventually(look, lambda seen: len(seen) >= count)


def token_of(keys: Keys, organization: UUID | None, scopes: frozenset[Scope]) -> str:
    """A token signed with the keys of a test."""
    now = SystemClock().now()
    claims = Claims(
        token=uuid4(),
        name="tester",
        organization=organization,
        scopes=scopes,
        expires=now + timedelta(hours=1),
    )
    return sign(claims, read_private_key(keys.signing_key), now=now)


@asynccontextmanager
async def running_services(
    names: tuple[str, ...], *, databases: Databases, folder: Path, keys: Keys, suffix: str
) -> AsyncIterator[RunningServices]:
    """Run services on databases of their own and the embedded log, until the block ends."""
    await databases.make(f"t{suffix}_", *names, BUS)
    postgres = databases.postgres
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Platform(
        database_url=postgres.dsn_template(f"t{suffix}_"),
        bus_url=postgres.dsn(f"t{suffix}_bus"),
        blobs_url=f"file://{folder / 'blobs'}",
        public_url=url,
        internal_url=url,
        token_public_key=SecretStr(keys.public_key),
        service_token=SecretStr(keys.service_token),
        log_level="WARNING",
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        context = await stack.enter_async_context(open_context(settings, clock=SystemClock()))
        services = [build_of(name)(context) for name in names]
        supervisor = Supervisor(context, services, version="test", migrate=True)
        organization = uuid4()
        running = RunningServices(
            context=context,
            services={service.name: service for service in services},
            keys=keys,
            url=url,
            organization=organization,
            http=await stack.enter_async_context(_client(url, keys, organization)),
            stranger=await stack.enter_async_context(_client(url, keys, uuid4())),
        )
        ready = asyncio.Event()

        async def on_ready() -> None:
            ready.set()

        process = asyncio.create_task(supervisor.run(listener, on_ready=on_ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([process, waiting], return_when=asyncio.FIRST_COMPLETED)
        if process.done():
            waiting.cancel()
            process.result()
        watching = asyncio.create_task(_watch(running))
        try:
            yield running
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            supervisor.stop()
            await process


def _client(url: str, keys: Keys, organization: UUID) -> httpx.AsyncClient:
    admin = ROLES[Role.ADMIN] | {Scope.OPERATE}
    token = token_of(keys, organization, admin)
    return httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=120.0,
        verify=False,  # it speaks HTTP: reading the certificates takes longer than most tests
    )


async def _watch(running: RunningServices) -> None:
    async with running.context.bus.reader(TOPICS, begin=Begin.START) as reader:
        while True:
            for record in await reader.fetch(limit=500, wait=1.0):
                with contextlib.suppress(MalformedEvent):
                    running.received.append(decode(record.message.headers, record.message.value))
