"""AP beside faster-coco-eval, drift beside Evidently: the same data, in turns, equal or not.

    python -m benchmarks.peers [folder]

The peers are too large to be dependencies: they are installed into an environment of their own in
`folder` (default ~/.cache/sightloop/peers; 1.1 GB), which is kept. What is timed: a reviewed image
to a fresh AP (one more each round), against evaluating all, without and with their index of the
data; a look at a window, against a report on it. Reading the data is not timed on either side.
"""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from benchmarks.map import CLASSES, image, reference
from libs.vision import ap, masks, matching
from libs.vision.pool import Pool
from services.metrics.core import ks

# Evidently 0.7.23 imports what pandas 3 has no more.
_PEERS = ("faster-coco-eval==1.8.0", "evidently==0.7.23", "pandas<3")
_SIZE = {"width": 640, "height": 480}


def installed(folder: Path) -> Path:
    """The Python that has the peers."""
    python, done = folder / "bin" / "python", folder / "installed.json"
    if not done.exists() or json.loads(done.read_text()) != list(_PEERS):
        print(f"installing {', '.join(_PEERS)} into {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *_PEERS], check=True)
        done.write_text(json.dumps(_PEERS))
    return python


@contextmanager
def peer(python: Path, kind: str, document: object):
    """A peer with its data: call it for the seconds it takes; `result()` ends it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        script = Path(__file__).with_name("_peers.py")
        with subprocess.Popen(
            [python, script, kind, file.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            yield _Peer(process)


class _Peer:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._in, self._out = process.stdin, process.stdout
        if self._out.readline().strip() != "ready":
            raise RuntimeError("the peer could not read its data")

    def __call__(self, what: str = "work") -> float:
        self._say(what)
        return float(self._out.readline())

    def result(self) -> dict:
        self._say("end")
        return json.loads(self._out.read())

    def _say(self, word: str) -> None:
        self._in.write(word + "\n")
        self._in.flush()


def in_turns(ours: Callable[[], object], theirs: Callable[[], float], rounds: int) -> tuple:
    """The least CPU seconds of each: on a busy machine wall time says little."""
    mine, its = [], []
    for _ in range(rounds):
        mine.append(_cpu(ours))
        its.append(theirs())
    return min(mine), min(its)


def _cpu(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def boxes(python: Path, size: int) -> None:
    rng = np.random.default_rng(size)
    images = [image(rng) for _ in range(size)]
    states = [matching.match(**one).pack() for one in images]
    pool = Pool({i.to_bytes(4): state for i, state in enumerate(states)})
    pool.quality(classes=CLASSES)
    more = count(size)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = reference(images)
    document = {"truth": coco.cocoGt.dataset, "results": list(coco.cocoDt.anns.values())}

    def fresh() -> object:
        pool.put(next(more).to_bytes(4), matching.match(**image(rng)).pack())
        return pool.quality(classes=CLASSES).ap()

    def anew() -> object:
        state = matching.match(**images[0]).pack()
        return ap.pooled([state, *states[1:]], classes=CLASSES).ap()

    with peer(python, "bbox", document) as theirs:
        mine, its = in_turns(fresh, theirs, 5 if size > 1000 else 9)
        cold = min(_cpu(anew) for _ in range(5))
        built = theirs("build")
        precision = np.array(theirs.result()["precision"])
    difference = np.abs(precision - ap.pooled(states, classes=CLASSES).precision).max()
    _tell(f"AP, boxes {size}", mine, its, f"precision differs by {difference:.0e}")
    _tell("  and their index made anew", mine, built, "")
    _tell("  and ours pooled anew", cold, its, "")


def polygons(python: Path, size: int) -> None:
    rng = np.random.default_rng(size)
    truths, results, states = [], [], []
    rings: tuple = ([], [])
    for i in range(1, size + 1):
        one = image(rng)
        found, wanted = (_rings(rng, one[f"{name}_boxes"]) for name in ("pred", "truth"))
        rings = found, wanted
        compared = masks.compared(found, wanted, **_SIZE)
        states.append(
            matching.match_masks(
                compared, one["pred_classes"], one["pred_scores"], one["truth_classes"]
            ).pack()
        )
        for g, ring in enumerate(wanted):
            truths.append(
                {
                    "id": len(truths) + 1, "image_id": i, "iscrowd": 0,
                    "category_id": int(one["truth_classes"][g]),
                    "segmentation": [ring.ravel().tolist()], "area": compared.true_areas[g],
                }
            )  # fmt: skip
        results += [
            {
                "image_id": i, "category_id": int(c), "score": float(s),
                "segmentation": _run_lengths(ring),
            }
            for ring, c, s in zip(found, one["pred_classes"], one["pred_scores"], strict=True)
        ]  # fmt: skip
    document = {
        "truth": {
            "images": [{"id": i + 1, **_SIZE} for i in range(size)],
            "categories": [{"id": c} for c in range(CLASSES)],
            "annotations": truths,
        },
        "results": results,
    }

    def fresh() -> object:
        compared = masks.compared(*rings, **_SIZE)
        state = matching.match_masks(
            compared, one["pred_classes"], one["pred_scores"], one["truth_classes"]
        ).pack()
        return ap.pooled([*states[:-1], state], classes=CLASSES).ap()

    with peer(python, "segm", document) as theirs:
        mine, its = in_turns(fresh, theirs, 5)
        precision = np.array(theirs.result()["precision"])
    difference = np.abs(precision - ap.pooled(states, classes=CLASSES).precision).max()
    _tell(f"AP, masks {size}", mine, its, f"precision differs by {difference:.0e}")


def _rings(rng: np.random.Generator, of: np.ndarray) -> list[np.ndarray]:
    """A polygon of twelve corners within each box."""
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    made = []
    for x, y, w, h in of:
        radii = rng.uniform(0.7, 1.0, (12, 1))
        ring = [x + w / 2, y + h / 2] + circle * radii * [w / 2, h / 2]
        made.append(np.clip(ring, 0, [_SIZE["width"], _SIZE["height"]]).round(2))
    return made


def _run_lengths(ring: np.ndarray) -> dict:
    """As results must be given."""
    code = coco_mask.merge(
        coco_mask.frPyObjects([ring.ravel().tolist()], _SIZE["height"], _SIZE["width"])
    )
    return {"size": code["size"], "counts": code["counts"].decode()}


def drift(python: Path, features: int, n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    before, live = rng.normal(size=(n, features)), rng.normal(0.15, 1, size=(m, features))
    ordered = ks.sorted_reference(before)
    ring = ks.Ring(window=m, features=features)
    ring.push(ks.rank_codes(ordered, live))

    def look() -> np.ndarray:
        ring.push(ks.rank_codes(ordered, live[:1]))
        return ks.p_values(ring.statistics(n=n), n=n, m=m)

    look()
    document = {"reference": before.tolist(), "live": live.tolist()}
    with peer(python, "drift", document) as theirs:
        theirs()
        mine, its = in_turns(look, theirs, 5)
        p = np.array(theirs.result()["p"])
    exact = ks.Ring(window=m, features=features)
    exact.push(ks.rank_codes(ordered, live))
    ours = ks.p_values(exact.statistics(n=n), n=n, m=m)
    same = np.mean((p < 0.05) == (ours < 0.05))
    _tell(
        f"drift, {features} features, {n} against {m}", mine, its,
        f"p differs by {np.abs(p - ours).max():.0e}, verdicts at 5 % agree in {same:.0%}",
    )  # fmt: skip


def _tell(what: str, mine: float, its: float, found: str) -> None:
    print(f"{what:36} {mine * 1e3:9.2f} {its * 1e3:10.1f} {its / mine:7.0f}  {found}", flush=True)


def main(folder: Path) -> None:
    python = installed(folder)
    print(f"{'CPU, the least of some rounds':36} {'ours ms':>9} {'theirs ms':>10} {'ratio':>7}")
    boxes(python, 500)
    boxes(python, 5000)
    polygons(python, 300)
    drift(python, 21, 400, 100)
    drift(python, 21, 4000, 1000)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "~/.cache/sightloop/peers").expanduser())
