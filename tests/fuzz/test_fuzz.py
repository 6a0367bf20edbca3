"""A few generated requests to every route; `make fuzz` sends as many as wanted."""

from pathlib import Path

import pytest

from tests.fuzz.whole import fuzz_all
from tests.support.platform import embedded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_no_generated_request_is_our_fault(tmp_path: Path) -> None:
    with embedded(tmp_path, "fuzz-token-of-more-than-32-characters") as platform:
        report = fuzz_all(platform, examples=8, seed=1)
    assert report.findings == [], "\n".join(report.findings)
    assert len(report.outcomes) > 100
    assert report.requests > 5 * len(report.outcomes)
