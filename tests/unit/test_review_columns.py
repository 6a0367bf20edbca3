"""Label masks, the random order, and the coin."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from libs.schemas.values import Start
from services.review.core.columns import label_bits, label_words, shuffle_key, shuffle_start
from services.review.core.lottery import coin, true_start


@given(st.sets(st.integers(0, 300), max_size=40))
def test_a_mask_holds_just_its_classes_in_signed_words(classes: set[int]) -> None:
    words = label_words([*classes, *classes])
    assert all(-(2**63) <= word < 2**63 for word in words)
    assert not words or words[-1] != 0
    held = {64 * n + bit for n, word in enumerate(words) for bit in range(64) if word >> bit & 1}
    assert held == classes


def test_a_label_is_found_in_each_version_that_knows_it() -> None:
    old, new, other = uuid4(), uuid4(), uuid4()
    many = [f"label {n}" for n in range(80)] + ["car"]
    bits = label_bits("car", {old: ["person", "car"], new: many, other: ["person"]})
    assert [(b.version, b.word, b.bit) for b in bits] == [(old, 0, 1), (new, 1, 16)]
    assert label_bits("cat", {old: ["person", "car"]}) == []


@given(st.uuids(), st.integers(0, 2**63 - 1))
def test_places_in_the_random_order_fit_a_bigint(prediction: UUID, seed: int) -> None:
    assert -(2**63) <= shuffle_key(prediction) < 2**63
    assert -(2**63) <= shuffle_start(seed) < 2**63


def test_the_coin_is_fair_and_is_tossed_once_for_each_image_and_draw() -> None:
    draw = uuid4()
    tosses = [coin(uuid4(), draw, has_shadow=True) for _ in range(2000)]
    # Six standard deviations of a fair coin.
    assert abs(tosses.count(Start.COIN_SHADOW) - 1000) < 135
    one = uuid4()
    assert len({coin(one, draw, has_shadow=True) for _ in range(10)}) == 1
    assert len({coin(one, uuid4(), has_shadow=True) for _ in range(50)}) == 2
    assert coin(one, draw, has_shadow=False) is Start.COIN_CHAMPION


def test_a_coin_that_was_not_tossed_so_is_a_choice_by_name() -> None:
    assert true_start(Start.COIN_SHADOW, Start.COIN_SHADOW) is Start.COIN_SHADOW
    assert true_start(Start.COIN_SHADOW, Start.COIN_CHAMPION) is Start.SHADOW
    assert true_start(Start.COIN_CHAMPION, None) is Start.CHAMPION
    assert true_start(Start.BLANK, None) is Start.BLANK
    assert true_start(Start.CHAMPION, Start.COIN_CHAMPION) is Start.CHAMPION
