"""One process: some services under one supervisor, on the parts that its settings name."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from libs.runtime.resources import open_context
from libs.runtime.service import Context, Service
from libs.runtime.settings import Platform
from libs.runtime.supervisor import Supervisor
from libs.store.clock import SystemClock
from libs.telemetry.logs import configure_logs
from libs.telemetry.tracing import configure_tracing
from sightloop import __version__
from sightloop.targets import build_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that is ready."""

    context: Context
    services: dict[str, Service]
    supervisor: Supervisor


async def run_services(
    names: Sequence[str],
    settings: Platform,
    listener: socket.socket,
    *,
    migrate: bool,
    alone: bool = False,
    on_ready: Callable[[Running], Awaitable[None]] | None = None,
) -> None:
    """Run services until SIGTERM or SIGINT, or until one of them ends (which raises)."""
    configure_logs(level=settings.log_level, console=settings.log_format == "console")
    end_tracing = configure_tracing(
        service="sightloop" if len(names) > 1 else f"sightloop-{names[0]}",
        endpoint=settings.otlp_endpoint,
    )
    try:
        await _run(names, settings, listener, migrate=migrate, alone=alone, on_ready=on_ready)
    finally:
        await asyncio.to_thread(end_tracing)


async def _run(
    names: Sequence[str],
    settings: Platform,
    listener: socket.socket,
    *,
    migrate: bool,
    alone: bool,
    on_ready: Callable[[Running], Awaitable[None]] | None,
) -> None:
    async with open_context(settings, clock=SystemClock()) as context:
        services = [build_of(name)(context) for name in names]
        supervisor = Supervisor(
            context, services, version=__version__, migrate=migrate, alone=alone
        )
        running = Running(
            context=context,
            services={service.name: service for service in services},
            supervisor=supervisor,
        )

        async def ready() -> None:
            if on_ready is not None:
                await on_ready(running)
            # What a process has loaded stays: looking through all of it again and again would
            # take milliseconds from a request, and a fifth of what a consumer needs.
            gc.collect()
            gc.freeze()

        await supervisor.run(listener, on_ready=ready)
