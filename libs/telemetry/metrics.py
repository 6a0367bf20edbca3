"""Prometheus metrics: a metric without a sentence does not exist."""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class MetricWithoutSentence(ValueError):
    """A metric was declared without saying what it means."""


def _sentence(name: str, sentence: str) -> str:
    if not sentence.endswith(".") or len(sentence) < 12:
        raise MetricWithoutSentence(f"{name}: say in a sentence what it means")
    return sentence


def counter(name: str, sentence: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows."""
    return Counter(f"sightloop_{name}", _sentence(name, sentence), labels)


def gauge(name: str, sentence: str, labels: Sequence[str] = ()) -> Gauge:
    """A number as it is now."""
    return Gauge(f"sightloop_{name}", _sentence(name, sentence), labels)


def histogram(name: str, sentence: str, labels: Sequence[str] = ()) -> Histogram:
    """Durations in seconds."""
    return Histogram(f"sightloop_{name}", _sentence(name, sentence), labels, buckets=SECONDS)
