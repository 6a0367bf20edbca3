"""The fields that a query over the assets of a dataset version may name."""

from collections.abc import Sequence

from libs.query.fields import Field, Fields
from libs.query.tree import Kind


def fields(labels: Sequence[str]) -> Fields:
    """The fields of a version with these labels."""
    return {
        "labels": Field(
            kind=Kind.SET, what="of its annotation", closed=True, choices=tuple(labels)
        ),
        "boxes": Field(
            kind=Kind.INTEGER, what="how many shapes; None: not annotated", nullable=True
        ),
        "annotated": Field(kind=Kind.BOOLEAN, what="somebody has looked at it"),
        "name": Field(kind=Kind.TEXT, what="its file name"),
        "width": Field(kind=Kind.INTEGER, what="pixels"),
        "height": Field(kind=Kind.INTEGER, what="pixels"),
        "size": Field(kind=Kind.INTEGER, what="bytes of the picture"),
        "time": Field(kind=Kind.TIME, what="when the picture was made", nullable=True),
        "added": Field(kind=Kind.TIME, what="when it came into the version"),
        "deployment": Field(
            kind=Kind.UUID, what="whose review it is; None: imported", nullable=True
        ),
        "prediction": Field(kind=Kind.UUID, what="whose review it is", nullable=True),
        "reviewer": Field(kind=Kind.TEXT, what="who reviewed it", nullable=True),
        "block": Field(kind=Kind.TEXT, what="pictures that belong together", nullable=True),
        "data": Field(kind=Kind.UUID, what="the image's id in the Datalake"),
        "id": Field(kind=Kind.UUID, what="the asset's"),
    }  # fmt: skip
