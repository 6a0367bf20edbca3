"""The folder outside the repository that keeps what was fetched."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from sightloop.dev.part import FetchFailed
from sightloop.embedded.privileges import dying_with_us


def cache_folder() -> Path:
    """`$SIGHTLOOP_CACHE`, else `sightloop` in the user's cache folder."""
    chosen = os.environ.get("SIGHTLOOP_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sightloop"


def fill(name: str, make: Callable[[Path], None]) -> Path:
    """The cache's folder `name`, made by `make` when it is not there.

    Several processes may ask at once: one makes it, the others wait; it is whole or absent.
    """
    root = cache_folder()
    final = root / name
    if final.exists():
        return final
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            fresh = root / f"{name}.part"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            make(fresh)
            fresh.rename(final)
    return final


def run_fetcher(
    command: list[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 1800,
) -> str:
    """Run a package manager; what it printed. Raises FetchFailed with the end of what it said."""
    try:
        done = subprocess.run(
            dying_with_us(command),
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchFailed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise FetchFailed(f"{' '.join(command[:3])} ended with {done.returncode}: {said}")
    return done.stdout
