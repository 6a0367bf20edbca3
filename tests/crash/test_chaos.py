"""Load, faults, quiet, audit: nothing acknowledged is lost and nothing happens twice.

A short run of `make crash`, with a plan drawn anew each time; the seed in the output replays it.
"""

import asyncio
from pathlib import Path
from random import SystemRandom

import pytest

from sightloop.keys import Keys
from tests.crash.chaos import play, staged
from tests.crash.schedule import Mode, plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SECONDS = {Mode.EMBEDDED: 25.0, Mode.SPLIT: 35.0}


@pytest.mark.parametrize(
    "mode",
    [
        Mode.EMBEDDED,
        pytest.param(Mode.SPLIT, marks=[pytest.mark.kafka, pytest.mark.s3]),
    ],
)
def test_the_books_balance_whatever_is_killed(mode: Mode, tmp_path: Path, keys: Keys) -> None:
    planned = plan(SystemRandom().randrange(1_000_000), mode, SECONDS[mode])
    said: list[str] = []
    with staged(mode, tmp_path, keys) as (platform, parts):
        report = asyncio.run(play(platform, parts, planned, say=said.append))
    assert report.findings == [], "\n".join([*said, "", report.text()])
