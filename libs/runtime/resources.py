"""A process's shared parts, opened in one exit stack; the reason for the order is in it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from libs.api.tokens import Verifier, read_public_key
from libs.blobs.opening import open_blobs
from libs.bus.open import open_bus
from libs.runtime.service import Context
from libs.runtime.settings import BadSettings, Platform
from libs.schemas.envelope import Received
from libs.schemas.events import TokenChanged
from libs.store.clock import Clock
from libs.store.session import Database, open_database


@asynccontextmanager
async def open_context(settings: Platform, *, clock: Clock) -> AsyncIterator[Context]:
    """The parts that the services of a process share. Raises BadSettings."""
    try:
        key = read_public_key(settings.token_public_key.get_secret_value())
    except ValueError as error:
        raise BadSettings(f"SIGHTLOOP_TOKEN_PUBLIC_KEY: {error}") from error
    verifier = Verifier(key, clock=clock)

    def database(service: str) -> Database:
        url = settings.database_url.replace("{service}", service)
        return open_database(service, url, clock=clock, pool=settings.database_pool)

    async with AsyncExitStack() as stack:
        # Blobs and HTTP first: consumers of the bus use them until they have stopped.
        blobs = await stack.enter_async_context(
            open_blobs(settings.blobs_url, public_url=settings.public_url)
        )
        http = await stack.enter_async_context(
            httpx.AsyncClient(
                timeout=httpx.Timeout(30.0, connect=5.0),
                limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            )
        )
        bus = await stack.enter_async_context(
            open_bus(settings.bus_url, clock=clock, instance=settings.instance)
        )
        context = Context(
            settings=settings,
            clock=clock,
            bus=bus,
            blobs=blobs,
            verifier=verifier,
            http=http,
            open_database=database,
        )

        def learn(changed: Received[TokenChanged]) -> None:
            verifier.learn(changed.organization, changed.data)

        context.table(TokenChanged).on_change.append(learn)
        yield context
