"""Headline numbers of deployments in Prometheus' text format."""

from collections.abc import Sequence
from dataclasses import dataclass

NAMES = {
    "predictions": ("gauge", "Predictions counted, deleted ones left out."),
    "predictions_last_hour": ("gauge", "Predictions of the last whole hour and the present one."),
    "latency_p95_seconds": ("gauge", "95th percentile of the champion's latency, same hours."),
    "outlier_share": ("gauge", "Share of scored images that ring the outlier alarm, same hours."),
    "disagreement_share": ("gauge", "Share of images on which shadow and champion differ."),
    "drift_distance": ("gauge", "Largest Kolmogorov-Smirnov distance at the last look."),
    "drift_threshold": ("gauge", "The distance beyond which the drift alarm rings."),
    "drift_alarm": ("gauge", "1 while the drift alarm rings."),
    "reviewed": ("gauge", "Reviewed images of the last 30 days."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A deployment's numbers by name of `NAMES`; None: not known, so not told."""

    deployment: str
    name: str
    values: dict[str, float | None]


def text(headlines: Sequence[Headline]) -> str:
    """All of them, each metric with its sentence."""
    lines = []
    for name, (kind, sentence) in NAMES.items():
        full = f"sightloop_deployment_{name}"
        rows = [
            f'{full}{{deployment="{_quoted(one.deployment)}",name="{_quoted(one.name)}"}} {value!r}'
            for one in headlines
            if (value := one.values.get(name)) is not None
        ]
        if rows:
            lines += [f"# HELP {full} {sentence}", f"# TYPE {full} {kind}", *rows]
    return "\n".join([*lines, ""])


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
