"""A service is a value: what it serves, consumes, runs and stores. The supervisor runs it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from fastapi import APIRouter
from starlette.types import ASGIApp

from libs.api.health import Component
from libs.api.limits import Bodies
from libs.api.tokens import Verifier
from libs.blobs.blobs import Blobs
from libs.bus.consumer import Consumer
from libs.bus.driver import Bus
from libs.bus.table import Table
from libs.runtime.settings import Platform
from libs.schemas.envelope import Event
from libs.store.clock import Clock
from libs.store.schema import Schema
from libs.store.session import Database
from libs.store.workers import JobKind

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A service's database and what it should look like."""

    database: Database
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A coroutine that runs as long as the process; its end is the process's end.

    `health`: how it is, asked for at each probe.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    health: Callable[[], Component] | None = None


Front = Callable[[ASGIApp, Bodies], ASGIApp]
"""Plain ASGI before the routers of the process: takes what it knows, and gives the rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. `parts`: its own value, which its routes find by type.

    `compat`: the existing client's paths. `last_routers` come after the routers of every service
    of the process. `fronts` come before all routers. `prepare` runs before anything else of the
    process starts, `on_stop` when the process becomes unready.
    """

    name: str
    parts: object
    routers: tuple[APIRouter, ...] = ()
    compat: tuple[APIRouter, ...] = ()
    last_routers: tuple[APIRouter, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    loops: tuple[Loop, ...] = ()
    jobs: tuple[JobKind, ...] = ()
    store: Store | None = None
    fronts: tuple[Front, ...] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    on_stop: Callable[[], None] | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Context:
    """What a process has: parts that its services share."""

    settings: Platform
    clock: Clock
    bus: Bus
    blobs: Blobs
    verifier: Verifier
    http: httpx.AsyncClient
    open_database: Callable[[str], Database]
    tables: dict[type[Event], Table[Any]] = field(default_factory=dict)

    def store(self, service: str, schema: Schema) -> Store:
        """The service's own database."""
        return Store(database=self.open_database(service), schema=schema)

    def table(self, event: type[E]) -> Table[E]:
        """The map of a compacted topic, one for the process, read before it is ready."""
        if event not in self.tables:
            self.tables[event] = Table(event)
        return self.tables[event]


Build = Callable[[Context], Service]
