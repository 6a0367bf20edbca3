"""`sightloop-client`: the client for scripts. Answers go to stdout, a JSON document a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sightloop_sdk.cli.options import parser
from sightloop_sdk.client import Client
from sightloop_sdk.errors import SightloopError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 refused or in part, 2 wrong usage."""
    chosen = parser().parse_args(arguments)
    try:
        with Client(chosen.url, chosen.token) as client:
            status: int = chosen.run(client, chosen)
            sys.stdout.flush()
            return status
    except (SightloopError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # `| head` has read enough; what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"sightloop-client: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
