"""What a look says: order, what counts, doubts, sentences."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.deployer.core.draws import (
    Answer,
    Drawn,
    block_of,
    neighbour_correlation,
    prefix,
    steps,
    weights,
)
from services.deployer.core.policy import Action, Bursts, Policy, PolicyRefused, Verdict
from services.deployer.core.verdict import look, sentence

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPENED = NOW - timedelta(days=1)
UNIFORM = Policy(uniform=1.0)


def image(d: float = 0.0, **changes: object) -> Drawn:
    values: dict[str, object] = {
        "draw": 1,
        "opened": OPENED,
        "answer": Answer.COUNTS,
        "w": 1.0,
        "d": d,
        "time": OPENED,
    }
    return Drawn(**(values | changes))  # type: ignore[arg-type]


def gains(n: int, mean: float = 0.25, seed: int = 0) -> list[Drawn]:
    rng = np.random.default_rng(seed)
    return [
        image(float(d), time=OPENED + timedelta(seconds=i))
        for i, d in enumerate(np.clip(rng.normal(mean, 0.2, n), -1, 1))
    ]


def test_only_images_before_the_first_unanswered_one_are_looked_at() -> None:
    drawn = [image(0.1), image(0.2), image(answer=Answer.OPEN), image(0.9)]
    seen = prefix(drawn, now=NOW, maximum=100)
    assert [i.d for i in seen.images] == [0.1, 0.2]
    assert seen.unanswered == 1


def test_an_image_unanswered_for_seven_days_is_left_out() -> None:
    old = NOW - timedelta(days=7, seconds=1)
    drawn = [image(answer=Answer.OPEN, opened=old), image(0.9)]
    seen = prefix(drawn, now=NOW, maximum=100)
    assert [i.d for i in seen.images] == [0.9]
    assert len(seen.left_out) == 1


def test_nobody_looks_beyond_the_maximum() -> None:
    found = look(Policy(uniform=1.0, maximum=30), gains(50), now=NOW)
    assert found.reviews == 30


def test_a_better_candidate_is_called_better_and_a_worse_one_worse() -> None:
    better = look(UNIFORM, gains(60), now=NOW)
    assert better.verdict is Verdict.BETTER
    assert 0 < better.low < better.mean < better.high
    worse = look(UNIFORM, gains(60, mean=-0.25), now=NOW)
    assert worse.verdict is Verdict.WORSE
    assert worse.high < 0


def test_there_is_no_verdict_before_the_minimum() -> None:
    found = look(Policy(uniform=1.0, minimum=100), gains(99), now=NOW)
    assert found.verdict is None
    assert found.e_better > 20


def test_a_tolerated_loss_is_said_early_and_a_verdict_when_the_reviews_are_used_up() -> None:
    small = [image(d) for d in [0.05, -0.05] * 60]
    assert look(UNIFORM, small, now=NOW).verdict is None
    tolerant = Policy(uniform=1.0, delta=0.1)
    early = look(tolerant, small, now=NOW)
    assert early.verdict is None
    text = sentence(early, tolerant, candidate="v8", champion="v7", reached=None)
    assert text.endswith("; it is not worse by more than 0.1")
    used_up = look(Policy(uniform=1.0, delta=0.1, maximum=120), small, now=NOW)
    assert used_up.verdict is Verdict.NOT_WORSE


def test_images_left_out_that_could_undo_the_verdict_hold_the_promotion() -> None:
    skipped = [image(answer=Answer.LEFT_OUT) for _ in range(20)]
    found = look(UNIFORM, [*gains(30), *skipped], now=NOW)
    assert found.verdict is Verdict.BETTER
    assert any("left out" in warning for warning in found.warnings)
    assert found.holds


def test_few_images_left_out_are_told_but_hold_nothing() -> None:
    few = image(answer=Answer.LEFT_OUT)
    narrow = gains(400, mean=0.06, seed=8)
    counted = next(
        n for n in range(50, 400) if look(UNIFORM, narrow[:n], now=NOW).verdict is not None
    )
    found = look(UNIFORM, [*narrow[:counted], few], now=NOW)
    assert found.verdict is Verdict.BETTER
    assert found.left_out == 1
    assert any("left out" in warning for warning in found.warnings)
    assert not any("left out" in hold for hold in found.holds)


def test_neighbours_that_are_alike_warn_and_hold() -> None:
    rng = np.random.default_rng(5)
    drawn = [
        image(float(d), time=OPENED + timedelta(seconds=10 * i + j))
        for i, d in enumerate(rng.normal(0.1, 0.3, 20).clip(-1, 1))
        for j in range(5)
    ]
    assert neighbour_correlation(drawn) > 0.5
    assert any("bursts" in hold for hold in look(UNIFORM, drawn, now=NOW).holds)


def test_a_bad_last_week_holds_a_good_whole() -> None:
    long_ago = NOW - timedelta(days=30)
    good = [image(d.d, time=long_ago + timedelta(seconds=i)) for i, d in enumerate(gains(400))]
    bad = gains(60, mean=-0.25)
    found = look(UNIFORM, [*good, *bad], now=NOW)
    assert found.verdict is Verdict.BETTER
    assert found.recent is not None
    assert found.recent.high < 0
    assert any("last 7 days" in hold for hold in found.holds)


def test_a_burst_is_one_step_once_a_later_draw_has_passed() -> None:
    images = [
        image(0.2, draw=1, block="a"),
        image(0.4, draw=1, block="a"),
        image(0.5, draw=2, block="b"),
        image(0.6, draw=2, block="a"),
    ]
    assert steps(images, blocks=True, passed=2).tolist() == []
    assert steps(images, blocks=True, passed=3).tolist() == pytest.approx([0.4, 0.5])


@pytest.mark.parametrize("text", ["source", "60s", "metadata.truck 1.5s", "custom_metadata.a.b"])
def test_a_block_is_read_as_it_is_written(text: str) -> None:
    assert str(Bursts.read(text)) == text
    Policy(block=Bursts.read(text))


def test_the_same_burst_name_after_a_pause_is_another_burst() -> None:
    images = [image(0.2, draw=1, block="a"), image(0.6, draw=3, block="a")]
    assert steps(images, blocks=True, passed=4).tolist() == pytest.approx([0.2, 0.6])


def test_a_burst_is_named_by_field_and_window() -> None:
    bursts = Bursts(field="metadata.truck", window=timedelta(minutes=1))
    time = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
    first = block_of(bursts, source="s", metadata={"truck": 7}, custom={}, time=time)
    again = time + timedelta(seconds=20)
    later = time + timedelta(seconds=40)
    assert first == block_of(bursts, source="s", metadata={"truck": 7}, custom={}, time=again)
    assert first != block_of(bursts, source="s", metadata={"truck": 7}, custom={}, time=later)
    assert first != block_of(bursts, source="s", metadata={"truck": 8}, custom={}, time=again)


def test_equal_probabilities_weigh_one() -> None:
    assert weights([0.2, 0.2], population=10, uniform=0.5) == [1.0, 1.0]
    assert weights([0.2, 0.4], population=10, uniform=1.0) == [1.0, 1.0]


def test_weights_are_the_mean_probability_over_ones_own_and_bounded() -> None:
    population, budget, uniform = 1000, 20.0, 0.5
    interest = np.zeros(population)
    interest[:50] = 1 / 50
    pi = budget * (uniform / population + (1 - uniform) * interest)
    found = weights([pi[0], pi[-1]], population=population, uniform=uniform)
    assert found == pytest.approx([0.02 / pi[0], 0.02 / pi[-1]])
    assert max(found) <= 1 / uniform + 1e-12


def test_where_probabilities_were_cut_off_weights_stay_bounded() -> None:
    found = weights([1.0] * 8 + [0.6] * 4, population=16, uniform=0.5)
    assert found == pytest.approx([0.75] * 8 + [1.25] * 4)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"delta": 1.0}, "delta"),
        ({"uniform": 0.0}, "uniform"),
        ({"minimum": 0}, "minimum"),
        ({"minimum": 50, "maximum": 20}, "maximum"),
        ({"block": Bursts()}, "block"),
        ({"block": Bursts(field="colour")}, "block"),
        ({"block": Bursts(window=timedelta(0))}, "block"),
    ],
)
def test_a_policy_that_means_nothing_is_refused_by_field(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(PolicyRefused) as refused:
        Policy(**changes)  # type: ignore[arg-type]
    assert [where for where, _ in refused.value.errors] == [field]


def test_the_sentence_says_what_the_numbers_say() -> None:
    found = look(UNIFORM, gains(60), now=NOW)
    text = sentence(found, UNIFORM, candidate="v8", champion="v7", reached=Verdict.BETTER)
    assert text == (
        f"After 60 reviews v8 is better by {found.mean:.2f} "
        f"[{found.low:.2f}, {found.high:.2f}], α 0.05"
    )
    worse = look(UNIFORM, gains(60, mean=-0.25), now=NOW)
    text = sentence(worse, UNIFORM, candidate="v8", champion="v7", reached=Verdict.WORSE)
    assert f"v8 is worse by {-worse.mean:.2f} [{-worse.high:.2f}, {-worse.low:.2f}]" in text
    early = look(UNIFORM, gains(1, mean=-0.5), now=NOW)
    text = sentence(early, UNIFORM, candidate="v8", champion="v7", reached=None)
    assert text.startswith("After 1 review v8 is undecided: it differs from v7 by −0.")


def test_a_policy_may_ask_for_promotion() -> None:
    assert Policy(action=Action.PROMOTE).action == "promote"
