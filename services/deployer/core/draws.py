"""From draws and reviews to the steps of the e-process: order, weights, bursts, what counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from services.deployer.core.eprocess import Floats
from services.deployer.core.policy import Bursts

PATIENCE = timedelta(days=7)


class Answer(StrEnum):
    """What became of a drawn image."""

    COUNTS = "COUNTS"
    LEFT_OUT = "LEFT_OUT"  # skipped, deleted, begun by name, or the shadow gave no answer
    FOREIGN = "FOREIGN"  # of another trial, or seen in training: says nothing either way
    OPEN = "OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One image of a draw. `d` is the champion's loss less the shadow's, `w` its weight."""

    draw: int
    opened: datetime
    answer: Answer
    w: float
    d: float = 0.0
    time: datetime | None = None
    block: str | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """What may be looked at: `images` up to the first unanswered one.

    `passed`: number of the last draw that was passed whole.
    """

    images: tuple[Drawn, ...]
    left_out: tuple[Drawn, ...]
    unanswered: int
    passed: int


def weights(probabilities: Sequence[float], *, population: int, uniform: float) -> list[float]:
    """w = π̄/π of each chosen image, π̄ = Σπ/N over all N images of the draw; at most 1/u.

    Every image has π ≥ u·π̄, and an image that the uniform share alone chose has π = u·π̄, so
    the smallest π tells π̄. Where some π were cut off at 1 the rest were raised: there the
    number chosen, whose expectation is Σπ, tells it (never above what the smallest allows).
    """
    if not probabilities:
        return []
    smallest, largest = min(probabilities), max(probabilities)
    if uniform >= 1.0 or largest - smallest <= 1e-9 * largest:
        return [1.0] * len(probabilities)
    mean = smallest / uniform
    if largest >= 1.0:
        mean = min(mean, len(probabilities) / population)
    return [mean / pi for pi in probabilities]


def prefix(drawn: Sequence[Drawn], *, now: datetime, maximum: int) -> Prefix:
    """The images in draw order up to the first one that is unanswered and still may be.

    `drawn` is in draw order. Unanswered for seven days is left out. After `maximum` images that
    count, the rest is not looked at.
    """
    images: list[Drawn] = []
    left_out: list[Drawn] = []
    counted = 0
    for index, image in enumerate(drawn):
        if image.answer is Answer.OPEN and now - image.opened < PATIENCE:
            unanswered = sum(later.answer is Answer.OPEN for later in drawn[index:])
            return Prefix(tuple(images), tuple(left_out), unanswered, image.draw - 1)
        if image.answer in (Answer.OPEN, Answer.LEFT_OUT):
            left_out.append(image)
        elif image.answer is Answer.COUNTS:
            images.append(image)
            counted += 1
            if counted == maximum:
                break
    passed = drawn[-1].draw if drawn else 0
    return Prefix(tuple(images), tuple(left_out), 0, passed)


def block_of(
    bursts: Bursts, *, source: str, metadata: dict[str, object], custom: dict[str, object],
    time: datetime,
) -> str:  # fmt: skip
    """The burst that an image belongs to."""
    parts: list[str] = []
    if bursts.field is not None:
        head, _, key = bursts.field.partition(".")
        found: object = source
        if key:
            found = (metadata if head == "metadata" else custom).get(key)
        parts.append(str(found))
    if bursts.window is not None:
        parts.append(str(int(time.timestamp() // bursts.window.total_seconds())))
    return "\x1f".join(parts)


def steps(images: Sequence[Drawn], *, blocks: bool, passed: int) -> Floats:
    """The values s of the steps: w·d of each image, or its mean over each closed burst.

    A burst is closed when a later draw has been passed without it; `passed` is the number of
    the last draw that was passed whole. Bursts come in the order of the draws they end in.
    """
    if not blocks:
        return np.array([image.w * image.d for image in images], dtype=np.float64)
    runs: dict[str, list[tuple[int, list[float]]]] = {}
    for image in images:
        own = runs.setdefault(image.block or "", [])
        if not own or image.draw > own[-1][0] + 1:
            own.append((image.draw, []))
        own[-1] = (image.draw, [*own[-1][1], image.w * image.d])
    closed = [
        (last, float(np.mean(values)))
        for own in runs.values()
        for last, values in own
        if last < passed
    ]
    closed.sort(key=lambda step: step[0])
    return np.array([value for _, value in closed], dtype=np.float64)


def neighbour_correlation(images: Sequence[Drawn]) -> float:
    """The correlation of d between neighbours in time; 0 where d does not vary."""
    timed = sorted((image.time, image.d) for image in images if image.time is not None)
    d = np.array([value for _, value in timed], dtype=np.float64)
    if len(d) < 3:
        return 0.0
    centred = d - d.mean()
    spread = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / spread if spread > 1e-12 else 0.0
