"""The metrics that an alert can look at, by the names that CSV files use too."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.metrics.core.series import Role

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class MetricUnknown(LookupError):
    """There is no such metric of this deployment; the text names the nearest."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        super().__init__(f"this deployment has no metric {name[:100]!r}{hint}")


class Family(StrEnum):
    """How a metric is computed over a window."""

    VOLUME = "volume"
    LATENCY = "latency"
    BOXES_MEAN = "boxes mean"
    LABEL_BOXES = "label boxes"
    LABEL_IMAGES = "label images"
    LABEL_SHARE = "label share"
    OUTLIER = "outlier"
    OUTLIER_SHARE = "outlier share"
    TONE = "tone"
    COMPARED = "compared"
    DISAGREEMENT = "disagreement"
    DRIFT = "drift"
    REVIEWED = "reviewed"
    QUALITY = "quality"
    COUNTED = "counted"
    POOLED = "pooled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric. `unit`: s, 0–1 or a word for what is counted; `text`: what it is over a window.

    `label`: position in the deployment's register, None: nothing has counted it yet.
    """

    name: str
    unit: str
    text: str
    family: Family
    role: Role = Role.CHAMPION
    label: int | None = None
    which: str = ""


def metrics_of(
    register: Sequence[str], labels: Sequence[str], *, detection: bool
) -> dict[str, Metric]:
    """Every metric of a deployment, by name, in the order to show them.

    `register`: the label names its numbers are counted by; `labels`: the champion's, some of
    which may never have been seen.
    """
    found = [
        Metric(name="volume", unit="predictions", text="predictions", family=Family.VOLUME),
        *(
            Metric(
                name=f"latency.{role.name.lower()}.{q}",
                unit="s",
                text=f"{q} of the latency of the {role.name.lower()}",
                family=Family.LATENCY,
                role=role,
                which=q,
            )
            for role in Role
            for q in QUANTILES
        ),
        *_of_images(),
        *_of_reviews(detection=detection),
        *(
            Metric(
                name=f"boxes.{role.name.lower()}.mean",
                unit="shapes",
                text=f"mean shapes an image of the {role.name.lower()}",
                family=Family.BOXES_MEAN,
                role=role,
            )
            for role in Role
        ),
        *_of_labels(register, labels),
    ]
    return {metric.name: metric for metric in found}


def metric_of(name: str, metrics: dict[str, Metric]) -> Metric:
    """The metric of a name. Raises MetricUnknown."""
    if name not in metrics:
        raise MetricUnknown(name, list(metrics))
    return metrics[name]


def _of_images() -> list[Metric]:
    return [
        Metric(
            name="outlier.share_alarm",
            unit="0–1",
            text="share of scored images that are outliers",
            family=Family.OUTLIER_SHARE,
        ),
        *(
            Metric(
                name=f"outlier.{q}",
                unit="0–1",
                text=f"{q} of the outlier score",
                family=Family.OUTLIER,
                which=q,
            )
            for q in ("p50", "p95")
        ),
        Metric(
            name="drift.distance",
            unit="0–1",
            text="KS distance of the newest look",
            family=Family.DRIFT,
            which="distance",
        ),
        Metric(
            name="drift.ratio",
            unit="× alarm",
            text="KS distance of the newest look, in units of its calibrated alarm",
            family=Family.DRIFT,
            which="ratio",
        ),
        *(
            Metric(
                name=f"tone.{tone}",
                unit="0–1",
                text=f"mean {tone} of scored images",
                family=Family.TONE,
                which=tone,
            )
            for tone in ("brightness", "contrast", "sharpness")
        ),
        Metric(
            name="disagreement.compared",
            unit="images",
            text="images that champion and shadow both answered",
            family=Family.COMPARED,
        ),
        Metric(
            name="disagreement.share",
            unit="0–1",
            text="share of compared images on which champion and shadow differ",
            family=Family.DISAGREEMENT,
        ),
    ]


def _of_reviews(*, detection: bool) -> list[Metric]:
    return [
        Metric(
            name="quality.reviewed", unit="images", text="reviewed images", family=Family.REVIEWED
        ),
        *(
            Metric(
                name=f"quality.{role.name.lower()}.{which}",
                unit="0–1",
                text=f"{text} reviewed images, {role.name.lower()}",
                family=family,
                role=role,
                which=which,
            )
            for role in Role
            for which, text, family in (_OF_DETECTORS if detection else _OF_CLASSIFIERS)
        ),
    ]


_COCO = ("50_95", "50", "75", "small", "medium", "large")
_OF_CLASSIFIERS = (
    ("accuracy", "share answered right of", Family.QUALITY),
    ("macro_f1", "mean F1 of the labels over", Family.COUNTED),
)
_OF_DETECTORS = (
    ("ap", "mean of each image's AP over", Family.QUALITY),
    ("precision", "precision at the threshold over", Family.COUNTED),
    ("recall", "recall at the threshold over", Family.COUNTED),
    ("f1", "F1 at the threshold over", Family.COUNTED),
    *((f"ap_{one}", f"AP {one.replace('_', '–')} pooled over", Family.POOLED) for one in _COCO),
    *((f"ar_{one}", f"AR {one.replace('_', '–')} pooled over", Family.POOLED) for one in _COCO),
)


def _of_labels(register: Sequence[str], labels: Sequence[str]) -> list[Metric]:
    at = {name: index for index, name in enumerate(register)}
    kinds = (
        ("boxes", "shapes", "shapes with label", Family.LABEL_BOXES),
        ("images", "images", "images with label", Family.LABEL_IMAGES),
        ("share", "0–1", "share of shapes with label", Family.LABEL_SHARE),
    )
    return [
        Metric(
            name=f"{role.name.lower()}.{kind}.{label}",
            unit=unit,
            text=f"{text} {label}, {role.name.lower()}",
            family=family,
            role=role,
            label=at.get(label),
        )
        for role in Role
        for label in dict.fromkeys([*labels, *register])
        for kind, unit, text, family in kinds
    ]
