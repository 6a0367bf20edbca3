"""Load, faults, quiet, audit: nothing acknowledged is lost and nothing happens twice.

A short run of `make crash`, which draws its plan anew each time: here it is the same one, so that a
red run means a change. A seed that found something joins `SEEDS`.
"""

import asyncio
from pathlib import Path

import pytest

from sightloop.keys import Keys
from tests.crash.chaos import play, staged
from tests.crash.schedule import Mode, plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SEEDS = {Mode.EMBEDDED: 328_882, Mode.SPLIT: 1}
SECONDS = {Mode.EMBEDDED: 25.0, Mode.SPLIT: 35.0}


@pytest.mark.parametrize(
    "mode",
    [
        Mode.EMBEDDED,
        pytest.param(Mode.SPLIT, marks=[pytest.mark.kafka, pytest.mark.s3]),
    ],
)
def test_the_books_balance_whatever_is_killed(mode: Mode, tmp_path: Path, keys: Keys) -> None:
    planned = plan(SEEDS[mode], mode, SECONDS[mode])
    said: list[str] = []
    with staged(mode, tmp_path, keys) as (platform, parts):
        report = asyncio.run(play(platform, parts, planned, say=said.append))
    assert report.findings == [], "\n".join([*said, "", report.text()])
