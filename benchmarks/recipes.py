"""The demo's plan, measured: champion, camera change, reviews, warm retraining with replay.

    python benchmarks/recipes.py [--seed N]

Prints one row per model: seconds (wall, CPU), mAP50 and mean F1 of a picture at the model's own
threshold, on held-back traffic scenes as they were and after the camera change.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from libs.vision.ap import pooled
from libs.vision.matching import f1_at, match
from services.serving.core.model import load
from services.trainer.recipes.base import Artifacts, Dataset, Item
from services.trainer.recipes.registry import load_recipe
from sightloop.demo.scenes import LABELS, Scene, Split, camera_change, encoded, scenes

CHAMPION_SCENES, REVIEWED_SCENES, HELD_BACK = 150, 40, 80
CHAMPION_STEPS, RETRAINING_STEPS = 800, 300
UPRIGHT = {"flips": False, "quarter_turns": False}


@dataclass(frozen=True, slots=True)
class Timed:
    artifacts: Artifacts
    wall: float
    cpu: float


class Terminal:
    """A report that overwrites one line of the terminal."""

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
        print(f"\r{step}/{total} loss {loss:.2f}, {seconds_left:.0f} s left  ", end="", flush=True)

    def log(self, line: str) -> None:
        print(f"\r{line}")

    def cancelled(self) -> bool:
        return False


def items(drawn: Sequence[Scene], k: float) -> list[Item]:
    return [
        Item(
            encoded(camera_change(scene.rgb, k), "JPEG", quality=90),
            scene.classes,
            scene.boxes.astype(np.float32),
        )
        for scene in drawn
    ]


def trained(dataset: Dataset, cache: Path, *, steps: int, seed: int, start: bytes | None) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    artifacts = load_recipe("detection").fit(
        dataset,
        {"steps": steps, "seed": seed, **UPRIGHT},
        start=start,
        report=Terminal(),
        cache=cache,
    )
    return Timed(artifacts, time.perf_counter() - wall, time.process_time() - cpu)


def quality(onnx: bytes, held_back: Sequence[Scene], k: float) -> tuple[float, float, float]:
    """(mAP50, mean F1 of a picture, detections per picture) at the model's threshold."""
    model = load(onnx)
    threshold = model.description.threshold
    states, f1, count = [], [], 0
    for scene in held_back:
        found = model.predict(camera_change(scene.rgb, k), threshold=0.05)
        prediction = (found.boxes, found.classes, found.scores)
        states.append(match(*prediction, scene.boxes, scene.classes).pack())
        f1.append(f1_at(*prediction, scene.boxes, scene.classes, threshold=threshold))
        count += int((found.scores >= threshold).sum())
    map50 = pooled(states, classes=len(LABELS)).ap()["50"] or 0.0
    return map50, float(np.mean(f1)), count / len(held_back)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=0)
    seed = arguments.parse_args().seed
    begun = time.process_time()
    old = items(list(scenes(CHAMPION_SCENES, seed=seed, split=Split.TRAINING)), 0)
    validation = items(list(scenes(40, seed=seed, split=Split.TRAINING, first=CHAMPION_SCENES)), 0)
    reviewed = items(list(scenes(REVIEWED_SCENES, seed=seed, split=Split.TRAFFIC)), 1)
    held_back = list(scenes(HELD_BACK, seed=seed, split=Split.TRAFFIC, first=1000))
    count = CHAMPION_SCENES + 40 + REVIEWED_SCENES + HELD_BACK
    print(f"scenes: {(time.process_time() - begun) / count * 1e3:.1f} CPU ms each")

    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        champion = trained(
            Dataset(LABELS, old, validation), cache, steps=CHAMPION_STEPS, seed=seed, start=None
        )
        start = champion.artifacts.checkpoint
        with_replay, without = (
            trained(
                Dataset(LABELS, reviewed, validation, replayed),
                cache,
                steps=RETRAINING_STEPS,
                seed=seed,
                start=start,
            )
            for replayed in (old, [])
        )
    print(f"\r{'':24} wall s  CPU s | clean: mAP50  F1   found | changed: mAP50  F1   found")
    rows = {"champion": champion, "retrained": with_replay, "without replay": without}
    for name, row in rows.items():
        clean, changed = (quality(row.artifacts.onnx, held_back, k) for k in (0, 1))
        print(
            f"{name:24} {row.wall:6.1f} {row.cpu:6.1f} |"
            f"        {clean[0]:.3f} {clean[1]:.3f} {clean[2]:4.1f}  |"
            f"          {changed[0]:.3f} {changed[1]:.3f} {changed[2]:4.1f}"
        )


if __name__ == "__main__":
    main()
