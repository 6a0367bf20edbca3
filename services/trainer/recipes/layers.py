"""One list of layers, read by two interpreters: JAX trains it, ONNX carries it.

A network is a tuple of layers in order of evaluation. Parameters and state are flat mappings
`layer/array`, so that a checkpoint is an npz file and nothing else:

    conv with norm     w (kh, kw, in, out), scale, shift (out,); state: mean, var (out,)
    conv without norm  w (kh, kw, in, out), b (out,)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Arrays: TypeAlias = dict[str, Array]

INPUT = "images"
PIXEL_MEAN = 127.5
PIXEL_SCALE = 64.0
NORM_EPSILON = 1e-5


class Op(StrEnum):
    NORMALISE = "normalise"  # uint8 NHWC → (x − 127.5) / 64
    SPACE_TO_DEPTH = "space_to_depth"  # `stride` × `stride` pixels become channels
    CONV = "conv"  # padded so that stride 1 keeps the size
    ADD = "add"
    UPSAMPLE = "upsample"  # nearest neighbour, × `stride`


@dataclass(frozen=True, slots=True)
class Layer:
    op: Op
    name: str
    inputs: tuple[str, ...]
    channels: int
    kernel: int = 1
    stride: int = 1
    norm: bool = False
    relu: bool = False


Network: TypeAlias = tuple[Layer, ...]


def initial_parameters(network: Network, rng: np.random.Generator) -> tuple[Arrays, Arrays]:
    """He's normal initialisation (2015, eq. 10); (parameters, state of the norms)."""
    parameters: Arrays = {}
    state: Arrays = {}
    widths = {INPUT: 3}
    for layer in network:
        widths[layer.name] = layer.channels
        if layer.op is not Op.CONV:
            continue
        fan_in = widths[layer.inputs[0]]
        shape = (layer.kernel, layer.kernel, fan_in, layer.channels)
        deviation = np.sqrt(2 / (layer.kernel**2 * fan_in))
        drawn = rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
        parameters[f"{layer.name}/w"] = drawn
        if layer.norm:
            parameters[f"{layer.name}/scale"] = np.ones(layer.channels, np.float32)
            parameters[f"{layer.name}/shift"] = np.zeros(layer.channels, np.float32)
            state[f"{layer.name}/mean"] = np.zeros(layer.channels, np.float32)
            state[f"{layer.name}/var"] = np.ones(layer.channels, np.float32)
        else:
            parameters[f"{layer.name}/b"] = np.zeros(layer.channels, np.float32)
    return parameters, state


def folded(
    layer: Layer, parameters: Mapping[str, Array], state: Mapping[str, Array]
) -> tuple[Array, Array]:
    """Kernel (kh, kw, in, out) and bias (out,) of a conv, its norm folded in."""
    kernel = np.asarray(parameters[f"{layer.name}/w"], np.float32)
    if not layer.norm:
        return kernel, np.asarray(parameters[f"{layer.name}/b"], np.float32)
    deviation = np.sqrt(np.asarray(state[f"{layer.name}/var"], np.float64) + NORM_EPSILON)
    gain = np.asarray(parameters[f"{layer.name}/scale"], np.float64) / deviation
    mean = np.asarray(state[f"{layer.name}/mean"], np.float64)
    bias = np.asarray(parameters[f"{layer.name}/shift"], np.float64) - mean * gain
    return (kernel * gain).astype(np.float32), bias.astype(np.float32)


def chain(network: Sequence[Layer]) -> Network:
    """The list as a network; refuses a layer that reads what is not yet there."""
    known = {INPUT}
    for layer in network:
        missing = set(layer.inputs) - known
        if missing:
            msg = f"layer {layer.name} reads {sorted(missing)}, which no earlier layer makes"
            raise ValueError(msg)
        known.add(layer.name)
    return tuple(network)
