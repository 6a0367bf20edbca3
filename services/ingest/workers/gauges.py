"""The books as Prometheus sees them."""

from collections.abc import Sequence

from libs.telemetry.metrics import gauge
from services.ingest.core.books import Ledger

MOST = 500
"""Deployments with a series of their own; what is beyond them is summed under `other`."""

_TERMS = ("received", "stored", "duplicate", "rejected", "dead_lettered", "in_flight")

PREDICTIONS = gauge(
    "ledger_predictions", "Predictions in the books of a deployment, by what became of them.",
    ["deployment", "term"],
)  # fmt: skip
MISSING = gauge(
    "ledger_missing_predictions",
    "Predictions accepted and lost; below zero, counted twice. Not zero: the books are wrong.",
    ["deployment"],
    wrong=True,
)


def show(books: Sequence[Ledger]) -> None:
    """Replace what is shown. Those that do not balance, then the largest, have their own series."""
    clear()
    by_weight = sorted(books, key=lambda one: (one.balanced, -one.received, one.deployment))
    for number, ledger in enumerate(by_weight):
        name = str(ledger.deployment) if number < MOST else "other"
        for term in _TERMS:
            PREDICTIONS.labels(name, term).inc(getattr(ledger, term))
        MISSING.labels(name).inc(ledger.missing)


def clear() -> None:
    """Another process shows the books."""
    PREDICTIONS.clear()
    MISSING.clear()
