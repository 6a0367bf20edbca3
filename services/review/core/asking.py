"""The fields that a query over predictions may name."""

from collections.abc import Iterable, Sequence

from libs.query.fields import Field, Fields
from libs.query.tree import Kind

STATUSES = ("TO_REVIEW", "REVIEWED", "SUBMITTED")


def fields(labels: Iterable[str], *, tags: Sequence[str] = ()) -> Fields:
    """The fields of a deployment. `labels`: all that its versions ever had; `tags`: proposed."""
    return {
        "reviewed": Field(kind=Kind.BOOLEAN, what="a human has reviewed it"),
        "status": Field(
            kind=Kind.CHOICE, what="None: its picture was not kept", nullable=True, choices=STATUSES
        ),
        "labels": Field(
            kind=Kind.SET, what="what the champion saw", closed=True,
            choices=tuple(dict.fromkeys(labels)),
        ),
        "boxes": Field(kind=Kind.INTEGER, what="how many shapes the champion saw"),
        "score.max": Field(kind=Kind.NUMBER, what="the champion's surest", nullable=True),
        "score.min": Field(kind=Kind.NUMBER, what="the champion's least sure", nullable=True),
        "outlier": Field(kind=Kind.NUMBER, what="outlier score, 0 to 1", nullable=True),
        "disagreement": Field(
            kind=Kind.NUMBER, what="of champion and shadow, 0 to 1", nullable=True
        ),
        "shadow": Field(kind=Kind.BOOLEAN, what="a shadow has answered too"),
        "picture": Field(kind=Kind.BOOLEAN, what="its picture was kept"),
        "latency": Field(kind=Kind.NUMBER, what="seconds"),
        "filename": Field(kind=Kind.TEXT, what="as logged"),
        "source": Field(kind=Kind.TEXT, what="as logged", nullable=True),
        "tags": Field(kind=Kind.SET, what="as logged", choices=tuple(tags)),
        "flags": Field(kind=Kind.SET, what="what was mended when it was logged"),
        "time": Field(kind=Kind.TIME, what="when it was made"),
        "received": Field(kind=Kind.TIME, what="when it came here"),
        "version": Field(kind=Kind.UUID, what="the champion's model version"),
        "id": Field(kind=Kind.UUID, what="the prediction's"),
    }  # fmt: skip
