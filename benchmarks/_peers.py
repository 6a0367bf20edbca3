"""What others do with the same data; runs in an environment of its own, where they are installed.

    python _peers.py bbox|segm|drift <file>

Reads the data, then once for each line of its input (`work`, or `build` to make the index anew as
well) does the work and prints its CPU seconds; at `end` prints what was found. Imports nothing of
Sightloop.
"""

import json
import sys
import time
from typing import Any


def coco(document: dict[str, Any], kind: str) -> tuple[Any, Any, Any]:
    from faster_coco_eval import COCO, COCOeval_faster  # noqa: PLC0415

    run: Any = None

    def build() -> None:
        nonlocal run
        truth = COCO(document["truth"])
        run = COCOeval_faster(truth, truth.loadRes(document["results"]), kind)
        work()

    def work() -> None:
        run.evaluate()
        run.accumulate()

    build()
    return work, build, lambda: {"precision": run.eval["precision"][..., -1].tolist()}


def drift(document: dict[str, Any]) -> tuple[Any, Any, Any]:
    import pandas as pd  # noqa: PLC0415
    from evidently import Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    reference, live = (pd.DataFrame(document[name]) for name in ("reference", "live"))
    frames = [frame.rename(columns=str) for frame in (live, reference)]
    report = Report([DataDriftPreset(num_method="ks")])
    found: dict[str, float] = {}

    def work() -> None:
        for metric in report.run(*frames).dict()["metrics"]:
            if metric["config"].get("column") is not None:
                found[metric["config"]["column"]] = float(metric["value"])

    return work, work, lambda: {"p": [found[str(i)] for i in range(len(found))]}


def main(kind: str, path: str) -> None:
    with open(path) as file:  # noqa: PTH123
        document = json.load(file)
    say, sys.stdout = sys.stdout, sys.stderr
    work, build, result = drift(document) if kind == "drift" else coco(document, kind)
    print("ready", file=say, flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        start = time.process_time()
        (build if line.strip() == "build" else work)()
        print(time.process_time() - start, file=say, flush=True)
    json.dump(result(), say)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
