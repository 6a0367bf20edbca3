"""Champion against shadow: what one look at the reviews so far says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from services.deployer.core import eprocess
from services.deployer.core.draws import (
    Drawn,
    Prefix,
    neighbour_correlation,
    prefix,
    steps,
)
from services.deployer.core.eprocess import Floats
from services.deployer.core.policy import Policy, Verdict

RECENT = timedelta(days=7)
_CORRELATED = 0.2
_LEFT_OUT_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The last seven days' images by themselves."""

    reviews: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look. `reviews` images count; `mean` is the weighted mean of d with its band.

    `verdict`: what these numbers say now. `holds`: why nobody should be promoted on it yet.
    """

    reviews: int
    mean: float
    low: float
    high: float
    e_better: float
    e_worse: float
    e_not_worse: float
    verdict: Verdict | None
    recent: Recent | None
    unanswered: int
    left_out: int
    warnings: tuple[str, ...]
    holds: tuple[str, ...]


def look(policy: Policy, drawn: Sequence[Drawn], *, now: datetime) -> Look:
    """Look at the images of a trial, in draw order.

    May be called after every review: P(a candidate that is no better is ever called better)
    ≤ α, likewise for the other verdicts.
    """
    seen = prefix(drawn, now=now, maximum=policy.maximum)
    s = steps(seen.images, blocks=policy.block is not None, passed=seen.passed)
    bound = policy.bound
    low, high = eprocess.band(s, bound, policy.alpha)
    e_better = eprocess.e_value(eprocess.better(s, bound))
    e_worse = eprocess.e_value(eprocess.worse(s, bound))
    e_not_worse = eprocess.e_value(eprocess.not_worse(s, bound, policy.delta))
    verdict = _verdict(policy, len(seen.images), e_better, e_worse=e_worse, e_not_worse=e_not_worse)
    recent = _recent(policy, seen, now=now)
    warnings, holds = _doubts(policy, seen, s, verdict=verdict, recent=recent)
    return Look(
        reviews=len(seen.images),
        mean=float(s.mean()) if len(s) else 0.0,
        low=low,
        high=high,
        e_better=e_better,
        e_worse=e_worse,
        e_not_worse=e_not_worse,
        verdict=verdict,
        recent=recent,
        unanswered=seen.unanswered,
        left_out=len(seen.left_out),
        warnings=tuple(warnings),
        holds=tuple(holds),
    )


def sentence(
    found: Look, policy: Policy, *, candidate: str, champion: str, reached: Verdict | None
) -> str:
    """What the look says, in words; `candidate` and `champion` as shown, such as v8."""
    after = f"After {found.reviews} review{'' if found.reviews == 1 else 's'}"
    by = f"{_number(found.mean)} [{_number(found.low)}, {_number(found.high)}]"
    alpha = f"α {policy.alpha:g}"
    match reached:
        case Verdict.BETTER:
            return f"{after} {candidate} is better by {by}, {alpha}"
        case Verdict.WORSE:
            loss = f"{_number(-found.mean)} [{_number(-found.high)}, {_number(-found.low)}]"
            return f"{after} {candidate} is worse by {loss}, {alpha}"
        case Verdict.NOT_WORSE:
            return (
                f"{after} {candidate} is not worse than {champion} by more than "
                f"{policy.delta:g}: it differs by {by}, {alpha}"
            )
    if found.reviews == 0:
        return f"No review that counts yet for {candidate} against {champion}"
    if found.reviews >= policy.maximum:
        return f"{after}, the most that are looked at, {candidate} is undecided: it differs by {by}"
    said = f"{after} {candidate} is undecided: it differs from {champion} by {by}, {alpha}"
    if policy.delta > 0 and found.e_not_worse >= 1 / policy.alpha:
        said += f"; it is not worse by more than {policy.delta:g}"
    return said


def _verdict(
    policy: Policy, reviews: int, e_better: float, *, e_worse: float, e_not_worse: float
) -> Verdict | None:
    """BETTER or WORSE as soon as it is so; NOT_WORSE, where δ > 0, when the reviews are used up.

    An equal candidate is soon shown to be not worse: telling that first would take its chance
    from one that is better, and promoting on it would promote equal ones.
    """
    enough = 1 / policy.alpha
    if reviews < policy.minimum:
        return None
    if e_better >= enough:
        return Verdict.BETTER
    if e_worse >= enough:
        return Verdict.WORSE
    if policy.delta > 0 and e_not_worse >= enough and reviews >= policy.maximum:
        return Verdict.NOT_WORSE
    return None


def _recent(policy: Policy, seen: Prefix, *, now: datetime) -> Recent | None:
    since = now - RECENT
    images = [image for image in seen.images if image.time is not None and image.time >= since]
    s = steps(images, blocks=policy.block is not None, passed=seen.passed)
    if len(s) == 0:
        return None
    low, high = eprocess.band(s, policy.bound, policy.alpha)
    return Recent(reviews=len(images), mean=float(s.mean()), low=low, high=high)


def _doubts(
    policy: Policy, seen: Prefix, s: Floats, *, verdict: Verdict | None, recent: Recent | None
) -> tuple[list[str], list[str]]:
    warnings: list[str] = []
    holds: list[str] = []
    if verdict is not None and _undone(policy, seen, s, verdict=verdict):
        text = f"{len(seen.left_out)} images were left out; all against it would undo the verdict"
        warnings.append(text)
        if len(seen.left_out) > _LEFT_OUT_SHARE * (len(seen.images) + len(seen.left_out)):
            holds.append(text)
    correlation = neighbour_correlation(seen.images)
    if policy.block is None and len(seen.images) >= policy.minimum and correlation > _CORRELATED:
        text = (
            f"neighbours in time are alike (correlation {correlation:.2f}): images come in "
            "bursts; set a block"
        )
        warnings.append(text)
        holds.append(text)
    if recent is not None and recent.high < 0:
        text = "over the last 7 days the candidate is worse"
        warnings.append(text)
        holds.append(text)
    return warnings, holds


def _undone(policy: Policy, seen: Prefix, s: Floats, *, verdict: Verdict) -> bool:
    """Whether the verdict falls if every image left out had gone fully against it."""
    if not seen.left_out:
        return False
    against = np.array([image.w for image in seen.left_out], dtype=np.float64)
    bound = policy.bound
    if verdict is Verdict.WORSE:
        log_e = eprocess.worse(np.concatenate([s, against]), bound)
    else:
        delta = policy.delta if verdict is Verdict.NOT_WORSE else 0.0
        log_e = eprocess.not_worse(np.concatenate([s, -against]), bound, delta)
    return log_e < -math.log(policy.alpha)


def _number(value: float) -> str:
    """Two decimals, with a real minus sign and no negative zero."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
