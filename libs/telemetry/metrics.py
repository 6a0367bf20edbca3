"""Prometheus metrics: a metric without a sentence does not exist."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A metric and the names of its series as Prometheus knows them.

    `wrong`: it says that something is wrong, so a rule of `deploy/grafana/alerts.yaml` watches it.
    """

    name: str
    series: frozenset[str]
    wrong: bool


_declared: dict[str, Declared] = {}


class MetricWithoutSentence(ValueError):
    """A metric was declared without saying what it means."""


def _sentence(name: str, sentence: str) -> str:
    if not sentence.endswith(".") or len(sentence) < 12:
        raise MetricWithoutSentence(f"{name}: say in a sentence what it means")
    return sentence


def counter(
    name: str, sentence: str, labels: Sequence[str] = (), *, wrong: bool = False
) -> Counter:
    """A number that only grows."""
    exposed = f"sightloop_{name.removesuffix('_total')}_total"
    _declare(exposed, [exposed], wrong=wrong)
    return Counter(f"sightloop_{name}", _sentence(name, sentence), labels)


def gauge(name: str, sentence: str, labels: Sequence[str] = (), *, wrong: bool = False) -> Gauge:
    """A number as it is now."""
    _declare(f"sightloop_{name}", [f"sightloop_{name}"], wrong=wrong)
    return Gauge(f"sightloop_{name}", _sentence(name, sentence), labels)


def histogram(
    name: str, sentence: str, labels: Sequence[str] = (), *, wrong: bool = False
) -> Histogram:
    """Durations in seconds."""
    parts = [f"sightloop_{name}_{part}" for part in ("bucket", "count", "sum")]
    _declare(f"sightloop_{name}", parts, wrong=wrong)
    return Histogram(f"sightloop_{name}", _sentence(name, sentence), labels, buckets=SECONDS)


def declared() -> dict[str, Declared]:
    """Every metric declared so far, by its name."""
    return dict(_declared)


def _declare(name: str, series: Sequence[str], *, wrong: bool) -> None:
    _declared[name] = Declared(name=name, series=frozenset(series), wrong=wrong)
