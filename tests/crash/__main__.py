"""`make crash`: break the platform for minutes, then check the books.

.venv/bin/python -m tests.crash --minutes 10 --seed 7 --mode split
.venv/bin/python -m tests.crash --soak 30
"""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import pytest
import typer

from libs.store.clock import SystemClock
from sightloop.keys import make_keys
from tests.crash.chaos import Report, play, staged
from tests.crash.schedule import Mode, plan


def main(
    minutes: Annotated[float, typer.Option(help="Minutes of load and faults, each mode.")] = 10.0,
    seed: Annotated[int | None, typer.Option(help="Replays a run; drawn if unset.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Only this mode; both if unset.")] = None,
    soak: Annotated[
        float | None, typer.Option(help="Minutes of load without a fault: all must stay flat.")
    ] = None,
) -> None:
    """Exit status 1 when anything was lost, happened twice, or grew."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    number = SystemRandom().randrange(1_000_000) if seed is None else seed
    failed = False
    for one in Mode if mode is None else [mode]:
        seconds = 60 * (minutes if soak is None else soak)
        try:
            report = run(one, number, seconds, calm=soak is not None)
        except pytest.skip.Exception as missing:
            typer.echo(f"NOT RUN, {one}: {missing}")
            failed = True
            continue
        typer.echo(f"\n{report.text()}\n")
        failed = failed or bool(report.findings)
    raise typer.Exit(int(failed))


def run(mode: Mode, seed: int, seconds: float, *, calm: bool) -> Report:
    """One run in a folder of its own."""
    keys = make_keys(now=SystemClock().now())
    with tempfile.TemporaryDirectory(prefix="sightloop-crash-") as folder:
        with staged(mode, Path(folder), keys) as (platform, real):
            planned = plan(seed, mode, seconds, calm=calm)
            return asyncio.run(play(platform, real, planned, say=typer.echo))


if __name__ == "__main__":
    typer.run(main)
