"""What one prediction added to the numbers, kept packed so that just this can be subtracted.

Class indices are those of the deployment's register of label names, which only grows: a later
model with another order of labels adds to the same series.
"""

from collections.abc import Sequence

import msgspec

from libs.schemas.values import Box, Output, Point, Shapes
from libs.vision.boxes import polygon_area


class Side(msgspec.Struct, frozen=True, array_like=True):
    """One model's answer, in columns. Classification: the best class only, without boxes.

    `version`: its position among the deployment's versions; None: from before they were told
    apart.
    """

    latency: float
    classes: list[int]
    scores: list[float]
    boxes: list[Box] = []
    polygons: list[list[Point]] = []
    version: int | None = None
    areas: list[float] | None = None


class Content(msgspec.Struct, frozen=True, array_like=True):
    """A counted prediction. `lag`: seconds from receiving it to counting it.

    `disagrees`: whether champion and shadow say different things; None: not compared.
    """

    width: int
    height: int
    lag: float
    champion: Side
    shadow: Side | None = None
    disagrees: bool | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Content)


def pack(content: Content) -> bytes:
    """About forty bytes a box."""
    return _encoder.encode(content)


def unpack(packed: bytes) -> Content:
    """The content that `pack` made."""
    return _decoder.decode(packed)


def label_names(labels: Sequence[str], shapes: Shapes) -> list[str]:
    """The names of a model's classes; one beyond its labelmap is named by its number."""
    known = len(labels)
    beyond = range(known, max(shapes.classes, default=-1) + 1)
    return [*labels, *(f"class {index}" for index in beyond)]


def side(output: Output, register: Sequence[int], version: int | None) -> Side:
    """A model's answer to count. `register`: the register's index of each of its classes."""
    shapes = output.shapes
    if not shapes.boxes and not shapes.polygons:
        best = slice(0, 1)
        return Side(
            output.latency,
            [register[c] for c in shapes.classes[best]],
            shapes.scores[best],
            version=version,
        )
    classes = [register[c] for c in shapes.classes]
    areas = [polygon_area(ring) for ring in shapes.polygons] or None
    return Side(
        output.latency, classes, shapes.scores, shapes.boxes, shapes.polygons, version, areas
    )
