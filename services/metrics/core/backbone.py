"""A user's own network that embeds images: what it must be, and how it is asked.

It takes the place of the built-in net behind the classical descriptors. One image goes in, as
floats [1, 3, H, W] or [1, H, W, 3]; its first output is a vector.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.metrics.errors import BackboneRefused

MOST_VALUES = 2048
MOST_SIDE = 1024
USUAL_SIDE = 224

_LEAST_SIDE = 8
_LENGTH = struct.Struct("<Q")
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def input_of(kind: str, shape: Sequence[Any]) -> "Input":
    """How a network's one input is fed. `kind`: as ONNX Runtime names it; a free side is no int.

    Raises BackboneRefused.
    """
    shown = ", ".join(str(side) if isinstance(side, int) else "?" for side in shape)
    if kind != "tensor(float)":
        raise BackboneRefused(f"its input is {kind}, not float32")
    sides = [side if isinstance(side, int) else None for side in shape]
    if len(sides) != 4 or sides[0] not in (None, 1):
        raise BackboneRefused(f"its input is [{shown}], not one image [1, 3, height, width]")
    if sides[1] in (None, 3):
        channels_last, (height, width) = False, sides[2:]
    elif sides[3] == 3:
        channels_last, (height, width) = True, sides[1:3]
    else:
        raise BackboneRefused(f"its input is [{shown}]: there is no side of 3 colours")
    found = Input(
        width=width or height or USUAL_SIDE,
        height=height or width or USUAL_SIDE,
        channels_last=channels_last,
    )
    if not all(_LEAST_SIDE <= side <= MOST_SIDE for side in (found.width, found.height)):
        raise BackboneRefused(
            f"its input is {found.width} × {found.height} pixels; "
            f"{_LEAST_SIDE} to {MOST_SIDE} a side can be had"
        )
    return found


def vector_of(output: Any) -> NDArray[np.float32]:
    """The vector (F,) in a network's first output. Raises BackboneRefused."""
    found = np.asarray(output)
    if found.dtype.kind != "f":
        raise BackboneRefused(f"its first output is {found.dtype}, not floats")
    if sum(side != 1 for side in found.shape) > 1:
        raise BackboneRefused(
            f"its first output is {list(found.shape)}, no vector: pool it over the image"
        )
    if not 2 <= found.size <= MOST_VALUES:
        raise BackboneRefused(
            f"its first output has {found.size} values; 2 to {MOST_VALUES} can be used"
        )
    if not np.isfinite(found).all():
        raise BackboneRefused("its first output is not finite")
    return found.astype(np.float32).ravel()


def external_tensors(model: Any) -> Iterator[str]:
    """Names of the tensors of an ONNX model that lie in another file, wherever they are."""
    nodes = [node for one in model.functions for node in one.node]
    graphs = [model.graph]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            nodes += graph.node
            tensors = [
                *graph.initializer,
                *(part for one in graph.sparse_initializer for part in (one.values, one.indices)),
            ]
        else:
            tensors = []
            for attribute in nodes.pop().attribute:
                tensors += [attribute.t, *attribute.tensors]
                graphs += [one for one in (attribute.g, *attribute.graphs) if one.node]
        yield from (one.name for one in tensors if one.data_location == one.EXTERNAL)


def trial_picture(size: "Input") -> NDArray[np.uint8]:
    """A picture (H, W, 3) with edges, colours and noise, always the same."""
    noise = np.random.RandomState(7).randint(0, 96, (size.height, size.width, 3))
    slope = np.linspace(0, 127, size.width)[None, :, None] + np.zeros((size.height, 1, 3))
    slope[size.height // 2 :, :, 0] += 32
    return (noise + slope).astype(np.uint8)


def framed(data: bytes) -> bytes:
    """Bytes after their length, as they go through the pipe."""
    return _LENGTH.pack(len(data)) + data


def length_of(header: bytes) -> int:
    """How many bytes follow a frame's first eight."""
    (length,) = _LENGTH.unpack(header)
    return int(length)


class Scaling(StrEnum):
    """What a pixel's 0 to 255 becomes: ImageNet's mean and deviation, 0 to 1, -1 to 1, as it is."""

    IMAGENET = "IMAGENET"
    UNIT = "UNIT"
    SIGNED = "SIGNED"
    BYTES = "BYTES"

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels (H, W, 3) as floats (H, W, 3)."""
        values = pixels.astype(np.float32)
        match self:
            case Scaling.IMAGENET:
                values = np.asarray(
                    (values / np.float32(255) - _IMAGENET_MEAN) / _IMAGENET_DEVIATION, np.float32
                )
            case Scaling.UNIT:
                values = values / np.float32(255)
            case Scaling.SIGNED:
                values = values / np.float32(127.5) - np.float32(1)
            case Scaling.BYTES:
                pass
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Pixels of the one image that goes in; `channels_last`: [1, H, W, 3]."""

    width: int
    height: int
    channels_last: bool

    def resized(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image (H, W, 3), stretched to this size."""
        side = self.width, self.height
        small = Image.fromarray(rgb).resize(side, Image.Resampling.BILINEAR, reducing_gap=2.0)
        return np.asarray(small)

    def tensor(self, pixels: NDArray[np.uint8], scaling: Scaling) -> NDArray[np.float32]:
        """Pixels of this size as the network takes them."""
        values = scaling.of(pixels)
        if not self.channels_last:
            values = values.transpose(2, 0, 1)
        return np.ascontiguousarray(values[None])
