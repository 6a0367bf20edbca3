"""AdamW (Loshchilov and Hutter 2019) over flat mappings of arrays, with clipping by global norm."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AdamW:
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    decay: float = 0.02
    clip: float = 10.0

    def update(
        self, parameters: Any, gradients: Any, *, moments: Any, rate: Any, step: Any
    ) -> tuple[Any, Any]:
        """(parameters, moments) after `step` (from 1). Only kernels decay, no bias and no norm."""
        import jax.numpy as jnp  # noqa: PLC0415

        size = jnp.sqrt(sum((g * g).sum() for g in gradients.values()))
        shrink = jnp.minimum(1.0, self.clip / jnp.maximum(size, 1e-12))
        following: dict[str, Any] = {}
        moved: dict[str, tuple[Any, Any]] = {}
        for name, value in parameters.items():
            gradient = gradients[name] * shrink
            first, second = moments[name]
            first = self.beta1 * first + (1 - self.beta1) * gradient
            second = self.beta2 * second + (1 - self.beta2) * gradient * gradient
            upright = second / (1 - self.beta2**step)
            change = first / (1 - self.beta1**step) / (jnp.sqrt(upright) + self.epsilon)
            if value.ndim > 1:
                change = change + self.decay * value
            following[name] = value - rate * change
            moved[name] = (first, second)
        return following, moved
