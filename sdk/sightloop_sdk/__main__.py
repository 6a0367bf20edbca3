"""`python -m sightloop_sdk`: the same as `sightloop-client`."""

import sys

from sightloop_sdk.cli import main

sys.exit(main())
