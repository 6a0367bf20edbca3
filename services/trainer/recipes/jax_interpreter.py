"""The list of layers in JAX: for training, and as the reference that the ONNX graph must equal."""

from collections.abc import Mapping
from typing import Any

from services.trainer.recipes.layers import (
    INPUT,
    NORM_EPSILON,
    PIXEL_MEAN,
    PIXEL_SCALE,
    Layer,
    Network,
    Op,
)

MOMENTUM = 0.95


def apply(
    network: Network,
    parameters: Mapping[str, Any],
    state: Mapping[str, Any],
    *,
    images: Any,
    train: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Outputs of all layers by name (NHWC), and the norms' next state.

    `images`: uint8 (n, H, W, 3). In training the norms use the batch's own mean and variance.
    """
    import jax.numpy as jnp  # noqa: PLC0415

    values: dict[str, Any] = {INPUT: images}
    following = dict(state)
    for layer in network:
        inputs = [values[name] for name in layer.inputs]
        match layer.op:
            case Op.NORMALISE:
                out = (inputs[0].astype(jnp.float32) - PIXEL_MEAN) / PIXEL_SCALE
            case Op.SPACE_TO_DEPTH:
                out = _space_to_depth(inputs[0], layer.stride)
            case Op.CONV:
                out = _conv(layer, inputs[0], parameters)
                if layer.norm:
                    out = _norm(layer, out, parameters, state, following, train=train)
                else:
                    out = out + parameters[f"{layer.name}/b"]
            case Op.ADD:
                out = inputs[0] + inputs[1]
            case _:  # Op.UPSAMPLE
                out = jnp.repeat(jnp.repeat(inputs[0], layer.stride, 1), layer.stride, 2)
        values[layer.name] = jnp.maximum(out, 0) if layer.relu else out
    return values, following


def _space_to_depth(x: Any, block: int) -> Any:
    n, height, width, channels = x.shape
    x = x.reshape(n, height // block, block, width // block, block, channels)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, height // block, width // block, block * block * channels)


def _conv(layer: Layer, x: Any, parameters: Mapping[str, Any]) -> Any:
    from jax import lax  # noqa: PLC0415

    pad = layer.kernel // 2
    return lax.conv_general_dilated(
        x,
        parameters[f"{layer.name}/w"],
        window_strides=(layer.stride, layer.stride),
        padding=((pad, pad), (pad, pad)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _norm(
    layer: Layer,
    x: Any,
    parameters: Mapping[str, Any],
    state: Mapping[str, Any],
    following: dict[str, Any],
    *,
    train: bool,
) -> Any:
    import jax.numpy as jnp  # noqa: PLC0415
    from jax import lax  # noqa: PLC0415

    mean_name, var_name = f"{layer.name}/mean", f"{layer.name}/var"
    if train:
        mean = x.mean((0, 1, 2))
        var = jnp.maximum((x * x).mean((0, 1, 2)) - mean * mean, 0)
        for name, value in ((mean_name, mean), (var_name, var)):
            following[name] = MOMENTUM * state[name] + (1 - MOMENTUM) * value
    else:
        mean, var = state[mean_name], state[var_name]
    gain = parameters[f"{layer.name}/scale"] * lax.rsqrt(var + NORM_EPSILON)
    return x * gain + (parameters[f"{layer.name}/shift"] - mean * gain)
