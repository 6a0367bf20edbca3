"""The detector's loss: quality focal loss (Li et al. 2020) on classes, GIoU on boxes."""

from typing import Any

from services.trainer.recipes.detection.network import BOX_HEAD, CLASS_HEAD, STRIDE
from services.trainer.recipes.detection.targets import cell_centres

BOX_WEIGHT = 4.0
TINY = 1e-6


def decoded(logits: Any) -> Any:
    """Boxes (n, h, w, 4) x1 y1 x2 y2 px: centre ∓ exp(p) · 8."""
    import jax.numpy as jnp  # noqa: PLC0415

    _, rows, columns, _ = logits.shape
    x, y = cell_centres(rows * STRIDE, columns * STRIDE)
    reach = jnp.exp(logits) * STRIDE
    across, down = x[None, None, :], y[None, :, None]
    return jnp.stack(
        [
            across - reach[..., 0],
            down - reach[..., 1],
            across + reach[..., 2],
            down + reach[..., 3],
        ],
        -1,
    )


def overlaps(a: Any, b: Any) -> tuple[Any, Any]:
    """IoU and GIoU (Rezatofighi et al. 2019) of boxes (…, 4) x1 y1 x2 y2, one to one."""
    import jax.numpy as jnp  # noqa: PLC0415

    inner = jnp.maximum(
        jnp.minimum(a[..., 2:], b[..., 2:]) - jnp.maximum(a[..., :2], b[..., :2]), 0
    )
    outer = jnp.maximum(a[..., 2:], b[..., 2:]) - jnp.minimum(a[..., :2], b[..., :2])
    common = inner[..., 0] * inner[..., 1]
    hull = outer[..., 0] * outer[..., 1]
    sides_a, sides_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    union = sides_a[..., 0] * sides_a[..., 1] + sides_b[..., 0] * sides_b[..., 1] - common
    iou = common / jnp.maximum(union, TINY)
    return iou, iou - (hull - union) / jnp.maximum(hull, TINY)


def loss(outputs: dict[str, Any], batch: dict[str, Any]) -> Any:
    """Σ (y − p)²·BCE(y, p) per box with y = heat·(½ + ½·IoU), plus 4 × weighted mean of 1 − GIoU.

    `batch`: heat (n, h, w, C), boxes (n, h, w, 4), weight (n, h, w), count () = boxes in the batch.
    """
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    iou, giou = overlaps(decoded(outputs[BOX_HEAD]), batch["boxes"])
    logits = outputs[CLASS_HEAD]
    quality = jnp.where(batch["weight"] > 0, jax.lax.stop_gradient(iou), 0)
    y = batch["heat"] * (0.5 + 0.5 * quality[..., None])
    p = jax.nn.sigmoid(logits)
    entropy = jnp.maximum(logits, 0) - logits * y + jnp.log1p(jnp.exp(-jnp.abs(logits)))
    classes = ((y - p) ** 2 * entropy).sum() / jnp.maximum(batch["count"], 1)
    weight = batch["weight"]
    boxes = (weight * (1 - giou)).sum() / jnp.maximum(weight.sum(), 1)
    return classes + BOX_WEIGHT * boxes
