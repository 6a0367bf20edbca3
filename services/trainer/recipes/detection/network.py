"""The detector: an anchor-free trunk to stride 8 in the manner of FCOS and TTFNet.

Sizes are multiples of 32. 0.7 M parameters at ten classes.
"""

import math

import numpy as np

from services.trainer.recipes.layers import (
    INPUT,
    Arrays,
    Layer,
    Network,
    Op,
    chain,
    initial_parameters,
)

STRIDE = 8
CLASS_HEAD = "cls"
BOX_HEAD = "box"
PRIOR = 0.02
WIDTHS = ((48, 1), (64, 2), (96, 2))  # channels and residual blocks at strides 8, 16, 32
NECK = 48


def detector(classes: int) -> Network:
    """Outputs `cls` (logits, one per class) and `box` (log of the four half sides / 8 px)."""
    layers = [
        Layer(Op.NORMALISE, "pixels", (INPUT,), 3),
        Layer(Op.SPACE_TO_DEPTH, "blocks", ("pixels",), 48, stride=4),
        Layer(Op.CONV, "stem", ("blocks",), 24, kernel=3, norm=True, relu=True),
    ]
    last = "stem"
    stages: list[str] = []
    for stage, (width, depth) in enumerate(WIDTHS, start=1):
        layers.append(
            Layer(Op.CONV, f"down{stage}", (last,), width, kernel=3, stride=2, norm=True, relu=True)
        )
        last = f"down{stage}"
        for block in range(depth):
            name = f"res{stage}{block}"
            layers += [
                Layer(Op.CONV, f"{name}a", (last,), width, kernel=3, norm=True, relu=True),
                Layer(Op.CONV, f"{name}b", (f"{name}a",), width, kernel=3, norm=True),
                Layer(Op.ADD, name, (last, f"{name}b"), width, relu=True),
            ]
            last = name
        stages.append(last)
    layers.append(Layer(Op.CONV, "lateral3", (stages[2],), NECK, norm=True, relu=True))
    last = "lateral3"
    for stage in (2, 1):
        layers += [
            Layer(Op.UPSAMPLE, f"up{stage}", (last,), NECK, stride=2),
            Layer(Op.CONV, f"lateral{stage}", (stages[stage - 1],), NECK, norm=True, relu=True),
            Layer(Op.ADD, f"merge{stage}", (f"up{stage}", f"lateral{stage}"), NECK),
        ]
        last = f"merge{stage}"
    layers += [
        Layer(Op.CONV, "head", (last,), NECK, kernel=3, norm=True, relu=True),
        Layer(Op.CONV, CLASS_HEAD, ("head",), classes),
        Layer(Op.CONV, BOX_HEAD, ("head",), 4),
    ]
    return chain(layers)


def initial_detector(
    network: Network, rng: np.random.Generator, *, median_half: float
) -> tuple[Arrays, Arrays]:
    """Start values: the class bias says `PRIOR`, the box bias the median half side in pixels."""
    parameters, state = initial_parameters(network, rng)
    for head in (CLASS_HEAD, BOX_HEAD):
        parameters[f"{head}/w"] *= np.float32(0.1)
    parameters[f"{CLASS_HEAD}/b"] += np.float32(-math.log((1 - PRIOR) / PRIOR))
    parameters[f"{BOX_HEAD}/b"] += np.float32(math.log(max(median_half, 1.0) / STRIDE))
    return parameters, state
