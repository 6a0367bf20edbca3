"""The training process: `python -m services.trainer.workers.run WORK PARENT NICENESS`.

Reads the work, calls the recipe, puts what it made into the work's folder and says how far it is
in JSON lines on standard output. Standard error is for people. SIGTERM: stop at the next step.
"""

import ctypes
import math
import os
import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from services.trainer.core.job import (
    CHECKPOINT,
    METRICS,
    ONNX,
    Done,
    Line,
    Pictured,
    Progress,
    Refused,
    Told,
    Work,
    loggable,
    read_work,
    tell,
)
from services.trainer.core.parameters import chosen_recipe
from services.trainer.errors import ExperimentRefused
from services.trainer.recipes.base import (
    Artifacts,
    CheckpointUnfit,
    Dataset,
    Item,
    Recipe,
    TrainingCancelled,
    TrainingRefused,
    no_boxes,
)
from services.trainer.recipes.checkpoint import unpack

_PR_SET_PDEATHSIG = 1


def main(work_file: str, parent: str, niceness: str) -> None:
    """Do the work of a file, on behalf of the process `parent`."""
    _die_with(int(parent))
    os.nice(int(niceness))
    report = _Report(_own_output())
    signal.signal(signal.SIGTERM, lambda *_: report.stop())
    work = read_work(Path(work_file))
    try:
        report.tell(_done(work, report))
    except (TrainingRefused, ExperimentRefused) as refused:
        report.tell(Refused(sentence=str(refused)))
    except TrainingCancelled:
        return


def _done(work: Work, report: "_Report") -> Done:
    recipe = chosen_recipe(work.recipe, work.task)
    report.log(f"recipe {recipe.name}, version {recipe.version}")
    fit = partial(
        recipe.fit,
        Dataset(
            labels=tuple(work.labels),
            train=_items(work.train),
            validation=_items(work.validation),
            old=_items(work.old),
        ),
        work.parameters,
        report=report,
        cache=Path(work.cache) if work.cache else None,
    )
    try:
        made = fit(start=_start(work, recipe, report))
    except CheckpointUnfit as unfit:
        report.log(f"{unfit} The training starts from scratch.")
        made = fit(start=None)
    metrics = _finite(made.metrics)
    _write(Path(work.folder), made, metrics, recipe=recipe)
    if made.not_learned:
        report.log(f"not learned: {', '.join(made.not_learned)}")
    return Done(labels=list(made.labelmap), metrics=metrics)


def _start(work: Work, recipe: Recipe, report: "_Report") -> bytes | None:
    if work.start is None:
        return None
    content = Path(work.start).read_bytes()
    unpack(content, recipe.name)
    report.log("starts from the checkpoint of the base version")
    return content


def _items(pictures: list[Pictured]) -> list[Item]:
    return [
        Item(
            picture=Path(one.path),
            classes=np.array(one.classes, np.int64),
            boxes=np.array(one.boxes, np.float32) if one.boxes else no_boxes(),
        )
        for one in pictures
    ]


def _write(folder: Path, made: Artifacts, metrics: dict[str, float], *, recipe: Recipe) -> None:
    (folder / ONNX).write_bytes(made.onnx)
    (folder / CHECKPOINT).write_bytes(made.checkpoint)
    document = {
        "recipe": recipe.name,
        "recipe_version": recipe.version,
        "labels": made.labelmap,
        "not_learned": made.not_learned,
        "metrics": metrics,
    }
    (folder / METRICS).write_bytes(msgspec.json.format(msgspec.json.encode(document)))


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the trainer dies, however it dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the trainer is gone")


def _own_output() -> BinaryIO:
    """Standard output for us alone: what a library prints goes to standard error."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


class _Report:
    """What a recipe tells, as lines for the trainer."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._turn = threading.Lock()
        self._stopped = False

    def tell(self, told: Told) -> None:
        with self._turn:
            self._output.write(tell(told))
            self._output.flush()

    def stop(self) -> None:
        self._stopped = True

    def progress(
        self,
        step: int,
        total: int,
        *,
        loss: float,
        rate: float,
        val: Mapping[str, float] | None = None,
        seconds_left: float,
    ) -> None:
        named = {f"val_{name}": value for name, value in (val or {}).items()}
        values = _finite({"loss": loss, "rate": rate, **named})
        left = seconds_left if math.isfinite(seconds_left) else 0.0
        self.tell(Progress(step=step, total=total, values=values, seconds_left=left))

    def log(self, line: str) -> None:
        self.tell(Line(text=loggable(line)))

    def cancelled(self) -> bool:
        return self._stopped


if __name__ == "__main__":
    main(*sys.argv[1:])
