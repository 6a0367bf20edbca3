"""`sightloop demo --fill`: a history through the ordinary endpoint, and the alarm in its window."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COUNT = 200


def test_the_drift_alarm_comes_within_a_window_of_the_change_and_not_before(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "sightloop", "demo", "--fill", str(COUNT), "--exit"),
            *("--data", str(tmp_path / "data"), "--port", "0", "--report", str(report)),
        ],
        capture_output=True,
        text=True,
        timeout=800,
        # The threshold is the 95th of 99 simulated streams: as strict, and sooner there.
        env=os.environ | {"SIGHTLOOP_METRICS_CALIBRATION_STREAMS": "99"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, filled, counted, seen = (
        stage["observed"] for stage in json.loads(report.read_text())["stages"]
    )
    assert filled["acknowledged"] == COUNT
    books = counted["ledger"]
    assert (books["received"], books["stored"], books["balanced"]) == (COUNT, COUNT, True)
    assert seen["pictures"] == COUNT
    assert seen["alarm_before"] == 0
    assert seen["known"]["drift"] <= seen["alarm_first"] <= seen["alarm_due"]
