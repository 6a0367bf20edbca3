"""The classifier's graph: a frozen random convolution, colour means, and a linear head.

The same nodes, without the head, compute the features that the head is fitted to: what is trained
on is what is shipped.
"""

import numpy as np

from services.trainer.recipes.layers import INPUT, Array
from services.trainer.recipes.onnx_export import GraphBuilder, Metadata, Outputs, add_pixels

SIDE = 64
FILTERS = 96
KERNEL = 5
POOLS = 4  # a grid of 4 × 4 mean responses per filter
COLOURS = 8  # a grid of 8 × 8 mean colours
FEATURES = FILTERS * POOLS**2 + 3 * COLOURS**2
FILTER_SEED = 20_250_101


def filters() -> Array:
    """(96, 3, 5, 5): random, zero mean, unit norm; the same in every model ever made."""
    drawn = np.random.default_rng(FILTER_SEED).standard_normal((FILTERS, 3, KERNEL, KERNEL))
    drawn -= drawn.mean((1, 2, 3), keepdims=True)
    drawn /= np.sqrt((drawn**2).sum((1, 2, 3), keepdims=True))
    return drawn.astype(np.float32)


def features_onnx(metadata: Metadata) -> bytes:
    """Input `images` uint8 [n, 64, 64, 3]; output `features` [n, 1728]."""
    builder = GraphBuilder()
    _add_features(builder)
    outputs: Outputs = {"features": (np.float32, ["n", FEATURES])}
    return builder.model((SIDE, SIDE), outputs, metadata=metadata)


def classifier_onnx(weights: Array, bias: Array, *, metadata: Metadata) -> bytes:
    """Input as above; output `scores` [n, C], sum 1. `weights`: (1728, C), `bias`: (C,)."""
    builder = GraphBuilder()
    _add_features(builder)
    builder.constant("head_w", weights)
    builder.constant("head_b", bias)
    builder.add("Gemm", ["features", "head_w", "head_b"], "logits")
    builder.add("Softmax", ["logits"], "scores", axis=1)
    outputs: Outputs = {"scores": (np.float32, ["n", len(bias)])}
    return builder.model((SIDE, SIDE), outputs, metadata=metadata)


def _add_features(builder: GraphBuilder) -> None:
    add_pixels(builder, INPUT, "pixels")
    _mean_pool(builder, "pixels", "half", 2)
    builder.constant("filters", filters())
    builder.add("Conv", ["half", "filters"], "responses", pads=[KERNEL // 2] * 4)
    builder.add("Relu", ["responses"], "active")
    _mean_pool(builder, "active", "texture", SIDE // 2 // POOLS)
    _mean_pool(builder, "pixels", "colour", SIDE // COLOURS)
    builder.add("Flatten", ["texture"], "texture_flat")
    builder.add("Flatten", ["colour"], "colour_flat")
    builder.add("Concat", ["texture_flat", "colour_flat"], "features", axis=1)


def _mean_pool(builder: GraphBuilder, source: str, output: str, side: int) -> None:
    window = [side, side]
    builder.add("AveragePool", [source], output, kernel_shape=window, strides=window)
