"""Multinomial logistic regression on standardised features, by L-BFGS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.recipes.layers import Array

Floats = NDArray[np.float64]
LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Head:
    """`weights` (F, C) and `bias` (C,) for features standardised by `mean` and `deviation` (F,)."""

    weights: Array
    bias: Array
    mean: Array
    deviation: Array

    def folded(self) -> tuple[Array, Array]:
        """Weights and bias for the features as they are."""
        weights = self.weights.astype(np.float64) / self.deviation[:, None]
        bias = self.bias - self.mean.astype(np.float64) @ weights
        return weights.astype(np.float32), bias.astype(np.float32)


def sample_weights(classes: NDArray[np.int64], old: NDArray[np.bool_], *, share: float) -> Floats:
    """(N,), sum 1: classes weigh the same; with old data, it weighs `share` of each class."""
    weights = np.zeros(len(classes))
    present = np.unique(classes)
    for label in present:
        of_label = classes == label
        groups = [(of_label & old, share), (of_label & ~old, 1 - share)]
        filled = [(group, part) for group, part in groups if group.any() and part > 0]
        total = sum(part for _, part in filled)
        for group, part in filled:
            weights[group] = part / total / group.sum()
    weights /= weights.sum()
    return weights


def fit_head(
    features: Array,
    classes: NDArray[np.int64],
    weights: Floats,
    *,
    labels: int,
    l2: float,
    steps: int,
    start: tuple[Array, Array] | None,
    each: Callable[[int, float], None],
) -> Head:
    """Minimise the weighted cross-entropy + l2/2·‖W‖².

    `start`: weights and bias of a head for features as they are (the folded form). `each` is
    called after every iteration with its number and loss; what it raises ends the fit.
    """
    from scipy.optimize import minimize  # noqa: PLC0415

    mean = weights @ features
    deviation = np.maximum(np.sqrt(weights @ (features - mean) ** 2), LEAST_DEVIATION)
    X = ((features - mean) / deviation).astype(np.float32)
    Y = np.eye(labels, dtype=np.float32)[classes]
    count = X.shape[1]
    W, b = np.zeros((count, labels)), np.zeros(labels)
    if start is not None:
        W = start[0].astype(np.float64) * deviation[:, None]
        b = start[1] + mean @ start[0]

    def objective(flat: Floats) -> tuple[float, Floats]:
        W, b = flat[:-labels].reshape(count, labels), flat[-labels:]
        logits = (X @ W.astype(np.float32) + b.astype(np.float32)).astype(np.float64)
        logits -= logits.max(1, keepdims=True)
        normaliser = np.log(np.exp(logits).sum(1, keepdims=True))
        loss = -float(weights @ ((logits - normaliser) * Y).sum(1)) + l2 / 2 * float((W * W).sum())
        error = ((np.exp(logits - normaliser) - Y) * weights[:, None]).astype(np.float32)
        slope = np.concatenate([(X.T @ error + l2 * W).ravel(), error.sum(0)])
        return loss, slope.astype(np.float64)

    done = 0

    def after(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        each(done, float(intermediate_result.fun))

    found = minimize(
        objective,
        np.concatenate([W.ravel(), b]),
        jac=True,
        method="L-BFGS-B",
        callback=after,
        options={"maxiter": steps},
    ).x
    return Head(
        found[:-labels].reshape(count, labels).astype(np.float32),
        found[-labels:].astype(np.float32),
        mean.astype(np.float32),
        deviation.astype(np.float32),
    )
