"""A dashboard's series by name: what a CSV holds, and what an alert can look at."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Document = Mapping[str, Any]
Column = Sequence[float | int | None]


def of_dashboard(document: Document) -> dict[str, Column]:
    """Every series of a dashboard that has one value a bucket, None where there is nothing.

    Units: latency in seconds; shares, scores and tones as drawn; all else counts. Names do not
    change: CSV files and alerts use them.
    """
    found: dict[str, Column] = {"volume": document["volume"]}
    for role in ("champion", "shadow"):
        for name, values in (document["latency"][role] or {}).items():
            found[f"latency.{role}.{name}"] = values
    for role, answers in (("champion", document), ("shadow", document["shadow"])):
        if answers is not None:
            found |= _of_labels(role, answers["labels"])
    for family in ("outlier", "tone"):
        for name, values in (document[family] or {}).items():
            if isinstance(values, list):
                found[f"{family}.{name}"] = values
    if document["disagreement"] is not None:
        for name in ("compared", "share", "low", "high"):
            found[f"disagreement.{name}"] = document["disagreement"][name]
    return found


def histograms(document: Document) -> list[tuple[str, float, float, int]]:
    """Every histogram of a dashboard: name, ends of the bin, count."""
    named = {
        f"{role}.{name}": answers[name]
        for role, answers in (("champion", document), ("shadow", document["shadow"]))
        if answers is not None
        for name in ("box_count", "scores", "box_area")
    }
    named |= {f"image.{name}": document["image_size"][name] for name in ("width", "height", "area")}
    return [
        (name, low, high, count)
        for name, one in named.items()
        for low, high, count in zip(one["edges"], one["edges"][1:], one["counts"], strict=False)
    ]


def write(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """CSV of rows: missing is empty, times are ISO 8601 in UTC.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(name) for name in header])
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def time(seconds: float) -> str:
    """A time of a dashboard as CSV has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _of_labels(role: str, labels: Document) -> dict[str, Column]:
    return {
        f"{role}.{kind}.{name}": labels[kind][i]
        for kind in ("boxes", "images")
        for i, name in enumerate(labels["names"])
    }


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
