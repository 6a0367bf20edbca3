"""`python -m tests.fuzz`: the command line of the fuzz runs."""

import sys
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer

from tests.fuzz.whole import fuzz_all
from tests.support.platform import embedded


def main(
    examples: Annotated[int, typer.Option(min=2, help="Requests to each route.")] = 10_000,
    seed: Annotated[int | None, typer.Option(help="Repeats a run; drawn if unset.")] = None,
    only: Annotated[str, typer.Option(help="A regular expression: 'POST /api/ingest'.")] = "",
) -> None:
    """Send generated requests to every route of an embedded platform; status 1 on a finding."""
    seed = SystemRandom().randrange(10**6) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="sightloop-fuzz-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the embedded PostgreSQL runs as somebody else under root
        with embedded(folder, "fuzz-token-of-more-than-32-characters") as platform:
            report = fuzz_all(platform, examples=examples, seed=seed, only=only, say=typer.echo)
    typer.echo(f"\nseed {seed}: {report.requests} requests, grown by {report.grown / 2**20:.0f} MB")
    for finding in report.findings:
        typer.echo(f"FOUND  {finding}")
    sys.exit(1 if report.findings else 0)


if __name__ == "__main__":
    typer.run(main)
