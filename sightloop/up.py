"""`sightloop up`: all services in one process, on embedded parts, in one folder."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from libs.runtime.settings import Platform, load
from libs.runtime.supervisor import listen
from libs.store.clock import SystemClock
from services.gateway.actions import day_token
from services.gateway.parts import Gateway
from sightloop.dlq import BUS_ADDRESS
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.embedded.watch import watched
from sightloop.keys import keys_in
from sightloop.process import Running, run_services
from sightloop.targets import SERVICES, schema_of


class BadDataFolder(Exception):
    """The data folder cannot be used."""


async def up(
    data: Path,
    *,
    host: str,
    port: int,
    ready_file: Path | None,
    on_ready: Callable[[str, str, str], Awaitable[None]] | None = None,
) -> None:
    """Run everything until stopped.

    `ready_file` receives {"url", "token", "organization"} once requests are answered;
    `on_ready` gets the same three. Every start makes a fresh token, valid for a day.
    """
    _usable(data)
    listener = listen(host, port)
    address = f"http://{_shown(host)}:{listener.getsockname()[1]}"
    with contextlib.ExitStack() as closing:
        closing.callback(listener.close)
        async with EmbeddedPostgres(data / "postgres") as postgres:
            stores = [name for name in SERVICES if schema_of(name) is not None]
            databases = [f"sightloop_{name}" for name in stores]
            await asyncio.gather(*map(postgres.create_database, [*databases, "sightloop_bus"]))
            bus_address = data / BUS_ADDRESS
            _write(bus_address, postgres.dsn("sightloop_bus"))
            closing.callback(bus_address.unlink, missing_ok=True)
            keys = keys_in(data, now=SystemClock().now())
            for name, value in (keys.environment() | _folders(data)).items():
                os.environ.setdefault(name, value)
            settings = load(
                Platform,
                database_url=postgres.dsn_template("sightloop_"),
                bus_url=postgres.dsn("sightloop_bus"),
                blobs_url=f"file://{quote(str((data / 'blobs').resolve()))}",
                public_url=os.environ.get("SIGHTLOOP_PUBLIC_URL", address),
                internal_url=address,
                log_format=os.environ.get("SIGHTLOOP_LOG_FORMAT", "console"),
                log_level=os.environ.get("SIGHTLOOP_LOG_LEVEL", "WARNING"),
            )

            async def ready(running: Running) -> None:
                gateway = running.services["gateway"].parts
                assert isinstance(gateway, Gateway)
                token, organization = await day_token(gateway)
                if ready_file is not None:
                    told = {"url": address, "token": token, "organization": str(organization)}
                    _write(ready_file, json.dumps(told))
                if on_ready is not None:
                    await on_ready(address, token, str(organization))

            # The data folder is locked: what was leased before is nobody's.
            running = run_services(
                SERVICES, settings, listener, migrate=True, alone=True, on_ready=ready
            )
            await watched(postgres, running)


def _folders(data: Path) -> dict[str, str]:
    """Everything that services keep on disk lies in the data folder."""
    kept = {
        "SIGHTLOOP_TRAINER_FOLDER": "trainer/runs",
        "SIGHTLOOP_TRAINER_CACHE": "trainer/compiled",
        "SIGHTLOOP_SERVING_CACHE": "serving",
    }
    for folder in kept.values():
        (data / folder).mkdir(parents=True, exist_ok=True)
    return {name: str((data / folder).resolve()) for name, folder in kept.items()}


def announce(url: str, token: str) -> None:
    """Tell a person where to go."""
    sys.stdout.write(f"\nSightloop is ready:  {url}\nToken for today:     {token}\n\n")
    sys.stdout.flush()


def _usable(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise BadDataFolder(f"cannot use the data folder {data}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    """A file that only its owner reads, there whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104  # asked for by the user, shown as what he can open
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
