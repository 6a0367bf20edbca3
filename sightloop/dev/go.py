"""Programs built by Go, which verifies every module by its checksum database."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sightloop.dev.cache import run_fetcher
from sightloop.dev.part import FetchFailed

_BUILD_SECONDS = 3600.0


def go_install(module: str, into: Path) -> None:
    """Build the program `module` (path@version) into a folder. Raises FetchFailed."""
    run_go(["install", module], cwd=into, environment={"GOBIN": str(into)})


def run_go(arguments: list[str], *, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run `go`, yielding to everything else on the machine; what it printed.

    Raises FetchFailed, also where there is no Go.
    """
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise FetchFailed("no Go to build with")
    nice = shutil.which("nice")
    command = [*([nice, "-n", "15"] if nice else []), go, *arguments]
    modules = {"GOFLAGS": "-mod=mod -buildvcs=false", "GOMAXPROCS": "2"}
    return run_fetcher(
        command, cwd=cwd, environment={**modules, **(environment or {})}, seconds=_BUILD_SECONDS
    )
