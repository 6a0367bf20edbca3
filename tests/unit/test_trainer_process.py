"""The training process: our code wherever it is started, and never alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from libs.schemas.values import TaskType
from services.trainer.core.job import Refused, Work, hear
from services.trainer.workers.process import training_process

ROOT = Path(__file__).parents[2]

_PARENT = """
import asyncio, sys
from pathlib import Path
from libs.schemas.values import TaskType
from services.trainer.core.job import Work
from services.trainer.workers.process import training_process

async def main():
    folder = Path(sys.argv[1])
    work = Work(
        recipe="endless", task=TaskType.OBJECT_DETECTION, parameters={}, labels=[], train=[],
        validation=[], old=[], start=None, cache=None, folder=str(folder),
    )
    async with training_process(work, niceness=0) as process:
        line = await process.stdout.readline()
        print(process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""
_ENDLESS = """
import time
from services.trainer.recipes.base import RecipeParameters

class Endless:
    name, version, task, parameters = "endless", "1", "OBJECT_DETECTION", RecipeParameters
    def fit(self, dataset, parameters, **_):
        time.sleep(600)

recipe = Endless()
"""


def empty_work(folder: Path) -> Work:
    return Work(
        recipe="detection",
        task=TaskType.OBJECT_DETECTION,
        parameters={},
        labels=[],
        train=[],
        validation=[],
        old=[],
        start=None,
        cache=None,
        folder=str(folder),
    )


@pytest.mark.slow
async def test_foreign_services_and_libs_on_the_path_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("services", "libs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('foreign code')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    async with training_process(empty_work(tmp_path), niceness=0) as process:
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    last = hear(output.splitlines()[-1])
    assert last == Refused(sentence="The data set has no label to train on.")


@pytest.mark.slow
def test_the_training_process_dies_with_its_trainer(tmp_path: Path) -> None:
    info = tmp_path / "endless-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: endless\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[sightloop.recipes]\nendless = endless_one:recipe\n")
    (tmp_path / "endless_one.py").write_text(_ENDLESS)
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _alive(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 60
        while _alive(child):
            assert time.monotonic() < deadline, "the training went on without its trainer"
            time.sleep(0.02)


def _alive(process: int) -> bool:
    """Whether it runs; what is dead and not yet collected does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] not in "ZX"


@pytest.mark.slow
def test_the_trainer_itself_loads_neither_jax_nor_onnxruntime() -> None:
    code = """
import sys
from libs.schemas.values import TaskType
from services.trainer import service
from services.trainer.core.parameters import check
check({"steps": 5}, TaskType.OBJECT_DETECTION)
check({"steps": 5}, TaskType.CLASSIFICATION)
print(sorted({"jax", "onnx", "onnxruntime", "scipy", "PIL"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
