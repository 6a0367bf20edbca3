"""The `sightloop` command. In a wheel, services and libs lie in `_tree`, which goes first on the
path: another distribution's `libs`, or a folder `services` where it is started, is not ours."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    tree = Path(__file__).parent / "_tree"
    if tree.is_dir():
        sys.path.insert(0, str(tree))
    from sightloop.cli import run  # noqa: PLC0415

    run()
