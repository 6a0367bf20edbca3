"""onnxruntime never starts with its telemetry on."""

import subprocess
import sys

PROGRAM = """
import sys, os, importlib.abc
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "onnxruntime":
            print("at import:", os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
from libs.vision import ort
assert "onnxruntime" not in sys.modules, "importing the door must not import the room"
ort.onnxruntime()
"""


def test_the_telemetry_switch_is_set_before_onnxruntime_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
        env={"PATH": "", "PYTHONPATH": ":".join(p for p in sys.path if p)},
    )
    assert done.stdout.strip() == "at import: 1"
