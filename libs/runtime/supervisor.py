"""Runs services: opens in one exit stack, starts in dependency order, ends as one.

start:  databases at their revision → topics → tables read → relays, consumers, workers,
        loops → HTTP → ready
SIGTERM: unready → wait → HTTP stops accepting → consumers finish the batch in hand and
        commit, workers put their jobs back → outboxes drain → tables → pools close
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.types import ASGIApp

from libs.api.app import create_app
from libs.api.health import Component, Report
from libs.api.limits import Bodies, BodyLimits
from libs.bus.relay import Relay
from libs.bus.runner import Runner
from libs.runtime.reports import Reporter
from libs.runtime.service import Context, Service
from libs.runtime.tasks import STOP_SECONDS, ComponentEnded, Tasks, do_last, through_faults
from libs.runtime.wire import Watch, WireProtocol, make_server
from libs.schemas.topics import TOPICS
from libs.store import leases, schema
from libs.store.upkeep import keep_up
from libs.store.workers import Worker

log = structlog.get_logger()


class StoreUnusable(Exception):
    """A service's database is not there, or does not let us in."""


class PortInUse(Exception):
    """Somebody else listens there."""


class Supervisor:
    """Runs some services in this process until `stop` is called or one of them ends."""

    def __init__(
        self,
        context: Context,
        services: Sequence[Service],
        *,
        version: str,
        migrate: bool,
        alone: bool = False,
    ) -> None:
        """`alone`: no other process can be on these databases; what it leased is free."""
        self._context = context
        self._services = in_order(services)
        self._migrate = migrate
        self._alone = alone
        self._health: list[Callable[[], Component]] = []
        self._reporter = Reporter(
            context.bus,
            services=[service.name for service in self._services],
            version=version,
            clock=context.clock,
        )
        self._ready = False
        self._stop = asyncio.Event()
        bodies = Bodies(
            BodyLimits(body=context.settings.body_limit, multipart=context.settings.multipart_limit)
        )
        self.app: FastAPI = create_app(
            [
                *(router for service in self._services for router in service.routers),
                *(router for service in self._services for router in service.compat),
                *(router for service in self._services for router in service.last_routers),
            ],
            parts=[service.parts for service in self._services],
            verifier=context.verifier,
            report=self.report,
            version=version,
            bodies=bodies,
        )
        self.asgi: ASGIApp = self.app
        for service in self._services:
            for front in service.fronts:
                self.asgi = front(self.asgi, bodies)

    def report(self) -> Report:
        """How the process is."""
        own = Component("process", self._ready, reason="" if self._ready else "not started yet")
        return Report((own, *(ask() for ask in self._health)))

    def stop(self) -> None:
        """Begin the orderly end; `run` returns when it is done."""
        self._stop.set()

    async def run(
        self, listener: socket.socket, *, on_ready: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Run until stopped.

        Raises:
            ComponentEnded: a component ended by itself, or failed (its cause).
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        await self._prepare()
        try:
            async with asyncio.TaskGroup() as group:
                await self._supervise(group, listener, on_ready)
        except BaseExceptionGroup as failures:
            raise _first(failures) from failures
        finally:
            for service in self._services:
                if service.store is not None:
                    await service.store.database.close()

    async def _prepare(self) -> None:
        work = schema.migrate if self._migrate else schema.check
        await self._context.bus.ensure(TOPICS)
        # One after the other: Alembic keeps the migration in hand in a global.
        for service in self._services:
            if service.store is not None:
                try:
                    await work(service.store.database, service.store.schema)
                except (DBAPIError, OSError) as error:
                    cause = getattr(error, "orig", None) or error
                    what = f"the database of {service.name} cannot be used: {cause}"
                    raise StoreUnusable(what) from error
                if self._alone:
                    service.store.database.alone = True
                    async with service.store.database.begin() as tx:
                        await leases.end_all(tx)
        for service in self._services:
            if service.prepare is not None:
                await service.prepare()

    async def _supervise(
        self,
        group: asyncio.TaskGroup,
        listener: socket.socket,
        on_ready: Callable[[], Awaitable[None]] | None,
    ) -> None:
        context = self._context
        tables, relays, work = Tasks(group), Tasks(group), Tasks(group)
        for table in context.tables.values():
            tables.start(f"table {table.topic.name}", partial(table.run, context.bus))
        await asyncio.gather(*(table.ready() for table in context.tables.values()))
        outboxes = self._start_relays(relays)
        for service in self._services:
            self._start_service(service, work)
        reports = Tasks(group)
        reports.start("reports", self._reporter.report)
        reports.start("operators", self._reporter.listen)

        server = make_server(self.asgi)
        watch = Watch(WireProtocol.limits)
        reports.start("slow requests", partial(watch.run, server.server_state.connections))
        serving = group.create_task(server.serve(sockets=[listener]), name="http")
        watcher = group.create_task(self._stop.wait())
        # uvicorn tells that it has started by a flag only.
        while not (server.started or serving.done() or watcher.done()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        self._ready = True
        if on_ready is not None and not watcher.done():
            await on_ready()
        await asyncio.wait([serving, watcher], return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and not watcher.done():
            raise ComponentEnded("http ended")

        self._ready = False
        await asyncio.sleep(context.settings.drain_seconds)
        for service in self._services:
            if service.on_stop is not None:
                service.on_stop()
        server.should_exit = True
        await asyncio.wait([serving], timeout=STOP_SECONDS)
        await work.stop()
        for relay in outboxes:
            await do_last("an outbox", relay.drain())
        await relays.stop()
        await reports.stop()
        await do_last("a report", self._reporter.end())
        await tables.stop()

    def _start_relays(self, running: Tasks) -> list[Relay]:
        relays = []
        for service in self._services:
            if service.store is not None:
                database = service.store.database
                relay = Relay(database, self._context.bus.sink, clock=self._context.clock)
                running.start(f"{service.name}: relay", relay.run)
                running.start(f"{service.name}: upkeep", partial(keep_up, database))
                relays.append(relay)
        return relays

    def _start_service(self, service: Service, running: Tasks) -> None:
        clock = self._context.clock
        for consumer in service.consumers:
            if service.store is None:
                raise ValueError(f"{service.name} consumes but has no store")
            group = f"{service.name}.{consumer.name}"
            runner = Runner(
                self._context.bus, consumer, service.store.database, group=group, clock=clock
            )
            running.start(group, runner.run)
            self._reporter.runners.append(runner)
            self._health.append(_runner_health(group, runner))
        for kind in service.jobs:
            if service.store is None:
                raise ValueError(f"{service.name} has jobs but no store")
            worker = Worker(service.store.database, kind)
            running.start(f"{service.name}: {kind.name}", worker.run)
        for loop in service.loops:
            name = f"{service.name}: {loop.name}"
            running.start(name, partial(through_faults, name, loop.run))
            if loop.health is not None:
                self._health.append(loop.health)


def in_order(services: Sequence[Service]) -> tuple[Service, ...]:
    """Services after those they depend on; those that are not in this process do not matter."""
    by_name = {service.name: service for service in services}
    placed: dict[str, Service] = {}

    def place(service: Service, path: tuple[str, ...]) -> None:
        if service.name in path:
            raise ValueError(f"services depend on one another: {' → '.join((*path, service.name))}")
        for name in service.depends_on:
            if name in by_name and name not in placed:
                place(by_name[name], (*path, service.name))
        placed.setdefault(service.name, service)

    for service in services:
        place(service, ())
    return tuple(placed.values())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one.

    Raises:
        PortInUse: with the address in its text.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; else each answer takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortInUse(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def _runner_health(group: str, runner: Runner) -> Callable[[], Component]:
    def ask() -> Component:
        health = runner.health()
        return Component(group, health.ready, health.live, health.reason)

    return ask


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    error = failures.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
