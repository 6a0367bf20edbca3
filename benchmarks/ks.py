"""Drift of a window: ranks kept at arrival against a SciPy loop; and what calibration costs.

python -m benchmarks.ks [streams]
"""

import sys
import time

import numpy as np
from scipy.stats import ks_2samp

from services.metrics.core import calibration, ks


def best(run, repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return min(spent)


def look(features: int, n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    reference, live = rng.normal(size=(n, features)), rng.normal(0.1, 1, size=(m, features))
    ordered = ks.sorted_reference(reference)
    ring = ks.Ring(window=m, features=features)
    ring.push(ks.rank_codes(ordered, live))
    ks.p_values(ring.statistics(n=n), n=n, m=m)

    def ours() -> None:
        ring.push(ks.rank_codes(ordered, live[:1]))
        ks.p_values(ring.statistics(n=n), n=n, m=m)

    def loop() -> list[float]:
        return [
            ks_2samp(reference[:, f], live[:, f], method="asymp").statistic for f in range(features)
        ]

    mine, scipys = best(ours, 10), best(loop, 2)
    exact = ks.Ring(window=m, features=features)
    exact.push(ks.rank_codes(ordered, live))
    difference = np.abs(exact.statistics(n=n) - loop()).max()
    print(
        f"{features:8d} {n:6d} {m:6d}  {mine * 1e3:7.2f}  {scipys * 1e3:8.1f}  "
        f"{scipys / mine:5.0f}  {difference:.1e}"
    )


def main(streams: int) -> None:
    print("features      n      m  ours ms  scipy ms  ratio  difference of D")
    look(16, 400, 100)
    look(512, 10_000, 1000)
    reference = np.random.default_rng(1).normal(size=(400, 16))
    start = time.perf_counter()
    found = calibration.calibrate(reference, window=100, streams=streams)
    spent = time.perf_counter() - start
    print(
        f"calibration n=400 F=16 m=100, {streams} streams of 50 windows: {spent:.1f} s, "
        f"threshold {found.threshold:.3f} (one look: 1.358)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 999)
