"""The command line."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from sightloop import __version__
from sightloop.dev.cli import dev
from sightloop.dlq import NoBus, dlq

app = typer.Typer(
    name="sightloop",
    help="The production loop for computer-vision models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config = typer.Typer(help="Settings: SIGHTLOOP_… variables.", no_args_is_help=True)
app.add_typer(config, name="config")
app.add_typer(dlq, name="dlq", help="Dead letters, looked at and replayed.")
app.add_typer(dev, name="dev", help="Real parts on this machine, for work and for tests.")


_DATA = Path("~/.local/share/sightloop")
_DEMO = Path("~/.cache/sightloop/demo")


def run() -> None:
    """Run the command line; what a user can mend is one line and a non-zero status."""
    try:
        app()
    except Exception as error:
        if not _is_plain(error):
            raise
        sys.stderr.write(f"sightloop: {error}\n")
        raise SystemExit(1) from None


@app.command()
def up(
    data: Annotated[Path, typer.Option(help="Folder that everything is kept in.")] = _DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 picks a free one.")] = 8000,
    ready_file: Annotated[
        Path | None, typer.Option(help="Receives url, token and organization once ready.")
    ] = None,
    quiet: Annotated[bool, typer.Option(help="Do not print the address and the token.")] = False,
) -> None:
    """Run everything in one process, on embedded parts."""
    from sightloop import up as embedded  # noqa: PLC0415

    _refuse_unknown()

    async def told(url: str, token: str, _: str) -> None:
        if not quiet:
            embedded.announce(url, token)

    _run(embedded.up(data.expanduser(), host=host, port=port, ready_file=ready_file, on_ready=told))


@app.command()
def demo(
    data: Annotated[
        Path, typer.Option(help="Folder of the demo; what an earlier one left there is removed.")
    ] = _DEMO,
    port: Annotated[int, typer.Option(help="Port; 0 picks a free one.")] = 8000,
    images: Annotated[Path | None, typer.Option(help="Folder of your own pictures.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="Their COCO file.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Receives what was observed, as JSON.")
    ] = None,
    leave: Annotated[
        bool, typer.Option("--exit", help="End when the story has been played.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Keep the last demo's data; do not play again.")
    ] = False,
    fill: Annotated[
        int | None,
        typer.Option(min=200, help="Instead of the story: so many predictions of the last months."),
    ] = None,
) -> None:
    """Play the whole loop on real pixels, then leave the dashboard running."""
    from sightloop.demo import main as played  # noqa: PLC0415
    from sightloop.demo.play import DIGITS, OWN_PICTURES  # noqa: PLC0415

    _refuse_unknown()
    with contextlib.suppress(KeyboardInterrupt):
        played.demo(
            data=data.expanduser(), port=port, images=images, annotations=annotations,
            report=report, leave=leave, go_on=go_on,
            amounts=OWN_PICTURES if images else DIGITS, fill=fill,
        )  # fmt: skip


@app.command()
def serve(
    names: Annotated[list[str], typer.Argument(help="Services to run in this process.")],
    migrate: Annotated[
        bool, typer.Option(help="Bring the databases to this release first.")
    ] = False,
) -> None:
    """Run some services, on the parts that the settings name."""
    from libs.runtime.settings import Platform, load  # noqa: PLC0415
    from libs.runtime.supervisor import listen  # noqa: PLC0415
    from sightloop.process import run_services  # noqa: PLC0415

    _refuse_unknown()
    settings = load(Platform)
    with contextlib.closing(listen(settings.host, settings.port)) as listener:
        _run(run_services(names, settings, listener, migrate=migrate))


@app.command()
def migrate(
    names: Annotated[list[str] | None, typer.Argument(help="Services; all if none.")] = None,
) -> None:
    """Bring the databases of services to this release."""
    from sightloop.maintenance import migrate_services  # noqa: PLC0415

    _refuse_unknown()
    for line in _run(migrate_services(names)):
        typer.echo(line)


@app.command()
def keys() -> None:
    """Make the keys of an installation; prints the variables (keep them secret).

    A line for each, as Kubernetes, Compose and systemd read them: no quotes, no line breaks.
    """
    from libs.store.clock import SystemClock  # noqa: PLC0415
    from sightloop.keys import make_keys  # noqa: PLC0415

    for name, value in make_keys(now=SystemClock().now()).environment().items():
        typer.echo(f"{name}={' '.join(value.split())}")


@app.command()
def version() -> None:
    """Print the release."""
    typer.echo(__version__)


@config.command("check")
def config_check() -> None:
    """Say what is wrong with the settings of this environment."""
    from libs.runtime.settings import Platform, load  # noqa: PLC0415

    _refuse_unknown()
    load(Platform)
    typer.echo("the settings are fine")


@config.command("print")
def config_print() -> None:
    """Print every setting, its sentence, and whether it is set (never a secret)."""
    from libs.runtime.settings import names  # noqa: PLC0415
    from sightloop.targets import settings_of  # noqa: PLC0415

    for name, sentence in sorted(names(settings_of()).items()):
        mark = "set  " if name in os.environ else "     "
        typer.echo(f"{mark}{name:44} {sentence}")


def _run(work: "Coroutine[Any, Any, Any]") -> Any:
    """Run a coroutine on uvloop."""
    import uvloop  # noqa: PLC0415

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _refuse_unknown() -> None:
    from libs.runtime.settings import names, refuse_unknown  # noqa: PLC0415
    from sightloop.targets import settings_of  # noqa: PLC0415

    refuse_unknown(os.environ, [*names(settings_of()), "SIGHTLOOP_CACHE"])


def _is_plain(error: Exception) -> bool:
    """Whether an error is the user's to mend: shown as one line, without a trace."""
    from libs.blobs.blobs import BlobsUnavailable  # noqa: PLC0415
    from libs.blobs.s3_address import BadBlobsAddress  # noqa: PLC0415
    from libs.bus.dead_letters import DeadLetterNotFound  # noqa: PLC0415
    from libs.bus.driver import BusUnavailable, TopicMismatch  # noqa: PLC0415
    from libs.bus.open import UnknownBus  # noqa: PLC0415
    from libs.runtime.settings import BadSettings  # noqa: PLC0415
    from libs.runtime.supervisor import PortInUse, StoreUnusable  # noqa: PLC0415
    from libs.runtime.tasks import ComponentEnded  # noqa: PLC0415
    from libs.store.schema import SchemaTooOld  # noqa: PLC0415
    from sightloop.demo.main import DemoFailed  # noqa: PLC0415
    from sightloop.demo.world import BadWorld  # noqa: PLC0415
    from sightloop.embedded.errors import EmbeddedPostgresError  # noqa: PLC0415
    from sightloop.targets import UnknownService  # noqa: PLC0415
    from sightloop.up import BadDataFolder  # noqa: PLC0415

    return isinstance(
        error,
        BadBlobsAddress
        | BadDataFolder
        | BadSettings
        | BadWorld
        | BlobsUnavailable
        | BusUnavailable
        | ComponentEnded
        | DemoFailed
        | DeadLetterNotFound
        | EmbeddedPostgresError
        | NoBus
        | PortInUse
        | SchemaTooOld
        | StoreUnusable
        | TopicMismatch
        | UnknownBus
        | UnknownService,
    )
