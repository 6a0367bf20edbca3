"""`sightloop dev`: real parts on this machine, for work and for tests."""

import asyncio
import pkgutil
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import services
from sightloop.dev.cache import cache_folder
from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.part import FetchFailed, Missing, PartFailed
from sightloop.dev.parts import all_parts, kubernetes_parts
from sightloop.dev.s3 import S3Server
from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.postgres import EmbeddedPostgres

dev = typer.Typer(help=__doc__, no_args_is_help=True)


class Server(StrEnum):
    """The parts that run."""

    KAFKA = "kafka"
    S3 = "s3"
    POSTGRES = "postgres"


@dev.command()
def up(
    parts: Annotated[
        list[Server] | None, typer.Argument(help="Which to start; all three if none is named.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder that keeps the data; a temporary one if unset.")
    ] = None,
) -> None:
    """Start real parts, print the variables that use them, and wait for Ctrl C."""
    wanted = list(dict.fromkeys(parts or list(Server)))
    folder = data or Path(tempfile.mkdtemp(prefix="sightloop-dev-"))
    try:
        if Server.KAFKA in wanted:
            KafkaBroker.fetch()
        if Server.S3 in wanted:
            S3Server.fetch()
        asyncio.run(_serve(wanted, folder))
    except (FetchFailed, PartFailed, EmbeddedPostgresError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


@dev.command()
def fetch(
    install_packages: Annotated[
        bool, typer.Option(help="Let a browser be installed by the system's package manager.")
    ] = False,
    kubernetes: Annotated[
        bool,
        typer.Option("--kubernetes", help="Build what the manifests are tested with instead."),
    ] = False,
) -> None:
    """Bring every part into the cache; the S3 server is built, which takes minutes."""
    failed = False
    parts = kubernetes_parts() if kubernetes else all_parts(install_packages=install_packages)
    for part in parts:
        if isinstance(part.available(), Missing):
            typer.echo(f"{part.name}: fetching …")
            try:
                part.fetch()
            except FetchFailed as error:
                failed = True
                typer.secho(f"{part.name}: {error}", fg="red", err=True)
                continue
        typer.echo(f"{part.name}: ready")
    if failed:
        raise typer.Exit(1)


@dev.command()
def doctor() -> None:
    """Say what is there and what is missing, and why; ends with 1 when something is."""
    typer.echo(f"cache: {cache_folder()}")
    missing = False
    for part in all_parts():
        found = part.available()
        if isinstance(found, Missing):
            missing = True
            typer.secho(f"MISSING  {part.name}: {found.reason}", fg="red")
        else:
            typer.secho(f"ok       {part.name}: {found.detail}", fg="green")
    if missing:
        raise typer.Exit(1)


async def _serve(wanted: list[Server], folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        variables: dict[str, str] = {}
        for server in wanted:
            variables |= await _start(server, folder, stack)
        for name, value in variables.items():
            typer.echo(f"export {name}='{value}'")
        typer.echo("# running; Ctrl C stops")
        await stop.wait()


async def _start(server: Server, folder: Path, stack: AsyncExitStack) -> dict[str, str]:
    """Start one part; returns the settings that use it."""
    match server:
        case Server.KAFKA:
            return (await stack.enter_async_context(KafkaBroker(folder / "kafka"))).variables
        case Server.S3:
            return (await stack.enter_async_context(S3Server(folder / "s3"))).variables
        case Server.POSTGRES:
            postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres"))
            for module in pkgutil.iter_modules(services.__path__):
                await postgres.create_database(f"sightloop_{module.name}")
            return {"SIGHTLOOP_DATABASE_URL": postgres.dsn_template("sightloop_")}


@dev.command()
def migration(
    service: Annotated[str, typer.Argument(help="The service whose tables changed.")],
    message: Annotated[str, typer.Argument(help="What changes, in a few words.")],
) -> None:
    """Write the next migration of a service; read it before you commit it."""
    from sightloop.dev.migrations import write  # noqa: PLC0415

    typer.echo(asyncio.run(write(service, message)))


@dev.command()
def node_path() -> None:
    """Print the folder of a recent enough Node, fetched if there is none."""
    from sightloop.dev.node import Node  # noqa: PLC0415

    node = Node()
    try:
        node.fetch()
    except FetchFailed as error:
        typer.secho(f"node: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    if node.node is None:
        raise typer.Exit(1)
    typer.echo(node.node.parent)
