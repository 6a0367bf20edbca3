"""The detector's training loop: batches made one ahead in a thread, one compiled step each."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.recipes.adamw import AdamW
from services.trainer.recipes.base import Report, TrainingCancelled, TrainingRefused
from services.trainer.recipes.batches import draws
from services.trainer.recipes.detection.augment import Pictures, view
from services.trainer.recipes.detection.loss import loss
from services.trainer.recipes.detection.parameters import DetectionParameters
from services.trainer.recipes.detection.targets import targets
from services.trainer.recipes.jax_interpreter import apply
from services.trainer.recipes.layers import Arrays, Network

REPORT_EVERY = 10

Batch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Linear warm-up, then a half cosine to zero; the average of the weights warms up, too."""

    steps: int
    rate: float
    warm_up: float
    average: float

    def rate_at(self, step: int) -> float:
        """Learning rate of `step` (from 1)."""
        warm = max(1, round(self.steps * self.warm_up))
        if step <= warm:
            return self.rate * step / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (self.steps - warm + 1)))

    def keep_at(self, step: int) -> float:
        """What the average keeps of itself at `step` (from 1)."""
        return min(self.average, step / (step + 9))


def batches(
    new: Pictures, old: Pictures, parameters: DetectionParameters, *, labels: int
) -> Iterator[Batch]:
    """Endless batches: the same seed gives the same pixels."""
    rng = np.random.default_rng(parameters.seed)
    share = parameters.replay_share
    size = (parameters.input_height, parameters.input_width)
    for drawn in draws(len(new), len(old), batch=parameters.batch, share=share, rng=rng):
        views = [
            view(*(old if again else new).read(index), parameters=parameters, rng=rng)
            for again, index in drawn
        ]
        wanted = [targets(v.corners, v.classes, size=size, labels=labels) for v in views]
        yield {
            "images": np.stack([v.pixels for v in views]),
            "heat": np.stack([t.heat for t in wanted]),
            "boxes": np.stack([t.boxes for t in wanted]),
            "weight": np.stack([t.weight for t in wanted]),
            "count": np.float32(sum(len(v.corners) for v in views)),
        }


def compiled_step(network: Network, optimiser: AdamW) -> Callable[..., tuple[Any, Any]]:
    """(carry, batch, rate, step, keep) → (carry, loss), compiled; the carry's memory is reused."""
    import jax  # noqa: PLC0415

    def step(carry: Any, batch: Batch, rate: Any, number: Any, keep: Any) -> tuple[Any, Any]:
        parameters, state, moments, average = carry

        def objective(weights: Any) -> tuple[Any, Any]:
            outputs, following = apply(network, weights, state, images=batch["images"], train=True)
            return loss(outputs, batch), following

        (value, state), gradients = jax.value_and_grad(objective, has_aux=True)(parameters)
        parameters, moments = optimiser.update(
            parameters, gradients, moments=moments, rate=rate, step=number
        )
        current = {**parameters, **state}
        average = {name: keep * average[name] + (1 - keep) * current[name] for name in current}
        return (parameters, state, moments, average), value

    compiled: Callable[..., tuple[Any, Any]] = jax.jit(step, donate_argnums=0)
    return compiled


def use_cache(folder: Path | None) -> None:
    """Keep compiled code in `folder`, so that the next run of the same shape starts at once."""
    if folder is None:
        return
    import jax  # noqa: PLC0415

    jax.config.update("jax_compilation_cache_dir", str(folder))  # type: ignore[no-untyped-call]
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)  # type: ignore[no-untyped-call]


def train(
    network: Network,
    started: tuple[Arrays, Arrays],
    feed: Iterator[Batch],
    *,
    schedule: Schedule,
    validate: Callable[[Arrays], Mapping[str, float]] | None,
    validate_every: int,
    report: Report,
) -> Arrays:
    """The averaged parameters and state after the last step.

    Raises TrainingCancelled within one step of being asked, TrainingRefused if the loss is no
    longer a number.
    """
    parameters, state = started
    moments = {name: (np.zeros_like(v), np.zeros_like(v)) for name, v in parameters.items()}
    average = {name: value.copy() for name, value in {**parameters, **state}.items()}
    carry: Any = (parameters, state, moments, average)
    step = compiled_step(network, AdamW())
    report.log("compiling the first step: some seconds, fewer if done before")
    losses: list[float] = []
    begun = time.monotonic()
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as ahead:
        following = ahead.submit(next, feed)
        for number in range(1, schedule.steps + 1):
            if report.cancelled():
                raise TrainingCancelled
            batch = following.result()
            if number < schedule.steps:
                following = ahead.submit(next, feed)
            rate = schedule.rate_at(number)
            scalars = np.array([rate, number, schedule.keep_at(number)], np.float32)
            carry, value = step(carry, batch, *scalars)
            losses.append(float(value))
            if not math.isfinite(losses[-1]):
                msg = f"The loss is no number at step {number}: choose a lower learning rate."
                raise TrainingRefused(msg)
            if number == 1:  # compiling is not the pace of the rest
                begun = time.monotonic()
            last = number == schedule.steps
            due = validate_every > 0 and number % validate_every == 0 and not last
            if not (due or last or number % REPORT_EVERY == 0):
                continue
            pace = (time.monotonic() - begun) / max(number - 1, 1)
            report.progress(
                number,
                schedule.steps,
                loss=float(np.mean(losses)),
                rate=rate,
                val=validate(_arrays(carry[3])) if due and validate else None,
                seconds_left=pace * (schedule.steps - number),
            )
            losses.clear()
    return _arrays(carry[3])


def _arrays(values: Mapping[str, Any]) -> Arrays:
    return {name: np.asarray(value) for name, value in values.items()}
