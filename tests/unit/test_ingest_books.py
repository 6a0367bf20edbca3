"""The books: what balances, what is lost, and what is only late."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.core.books import (
    GRACE,
    STUCK,
    Gap,
    Ledger,
    complaint,
    split_gaps,
    without,
)
from services.ingest.core.counting import Open

ORGANIZATION, DOCK, BOOT, OTHER = (UUID(int=n) for n in range(1, 5))
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - GRACE - timedelta(seconds=1)


def gap(first: int, last: int, *, seen: datetime = LONG_AGO, boot: UUID = BOOT) -> Gap:
    return Gap(boot=boot, first=first, last=last, seen=seen)


def ledger(**counts: object) -> Ledger:
    return Ledger(organization=ORGANIZATION, deployment=DOCK, **counts)  # type: ignore[arg-type]


def test_every_prediction_is_in_one_term() -> None:
    books = ledger(
        reached=100, consumed=90, stored=80, duplicate=7, dead_lettered=3,
        rejected_by_reason={"malformed": 5, "bad-picture": 1},
    )  # fmt: skip
    assert (books.received, books.rejected, books.in_flight) == (106, 6, 10)
    assert books.balanced
    assert complaint(books, NOW) is None


@pytest.mark.parametrize(
    ("stored", "missing", "text"),
    [(87, 3, "3 predictions are accepted and lost"), (91, -1, "1 prediction is counted twice")],
)
def test_a_difference_is_a_loss_or_a_double(stored: int, missing: int, text: str) -> None:
    books = ledger(reached=90, consumed=90, stored=stored)
    assert books.missing == missing
    assert not books.balanced
    assert text in str(complaint(books, NOW))


def test_what_waits_without_moving_is_complained_of_after_a_while() -> None:
    moving = ledger(reached=9, consumed=4, stored=4, waiting_since=NOW - STUCK / 2)
    assert complaint(moving, NOW) is None
    still = ledger(reached=9, consumed=4, stored=4, waiting_since=NOW - STUCK)
    assert still.balanced
    assert "5 predictions are accepted and not stored" in str(complaint(still, NOW))


def test_a_gap_is_late_then_lost_unless_its_send_failed() -> None:
    gaps = [gap(3, 6), gap(9, 9, seen=NOW), gap(3, 4, boot=OTHER)]
    uncertain, late, lost = split_gaps(gaps, [(BOOT, 4, 5), (OTHER, 1, 9)], now=NOW)
    assert (uncertain, late) == (4, 1)
    assert lost == (gap(3, 3), gap(6, 6))


def test_books_with_a_failed_send_balance() -> None:
    uncertain, late, lost = split_gaps([gap(3, 6)], [(BOOT, 3, 6)], now=NOW)
    books = ledger(
        reached=10, consumed=10, stored=6, uncertain=uncertain, open_gaps=late, lost=lost
    )
    assert books.balanced
    assert books.received == 6


spans = st.tuples(st.integers(1, 30), st.integers(0, 8)).map(lambda s: (s[0], s[0] + s[1]))


@given(whole=spans, taken=st.lists(spans, max_size=5))
def test_a_range_less_others_holds_the_numbers_that_are_left(
    whole: tuple[int, int], taken: Sequence[tuple[int, int]]
) -> None:
    left = {n for first, last in without(whole, taken) for n in range(first, last + 1)}
    gone = {n for first, last in taken for n in range(first, last + 1)}
    assert left == set(range(whole[0], whole[1] + 1)) - gone


def carried_over(books: Open) -> Open:
    """The books as the next transaction reads them."""
    gaps = [(boot, each) for boot, some in books.gaps.items() for each in sorted(some)]
    return Open.read(books.passed, gaps, books.dead)


@given(
    arrivals=st.lists(st.tuples(st.sampled_from([BOOT, OTHER]), st.integers(1, 12)), max_size=40),
    cut=st.integers(0, 40),
)
def test_a_number_counts_once_in_whatever_order_and_however_often_it_comes(
    arrivals: list[tuple[UUID, int]], cut: int
) -> None:
    books, counted = Open({}), []
    for place, number in enumerate(arrivals):
        if place == cut:
            books = carried_over(books)
        if books.takes(*number):
            counted.append(number)
    assert sorted(counted) == sorted(set(arrivals))
    for boot in (BOOT, OTHER):
        came = {sequence for number, sequence in arrivals if number == boot}
        missing = {n for first, last in books.gaps.get(boot, ()) for n in range(first, last + 1)}
        assert missing == set(range(1, max(came, default=0) + 1)) - came


def test_a_dead_letter_counts_again_only_as_a_replay_and_once() -> None:
    books = Open.read({BOOT: 9}, dead=[(BOOT, 4)])
    assert not books.takes(BOOT, 4)
    assert books.takes(BOOT, 4, replayed=True)
    assert books.revived == {(BOOT, 4)}
    assert not books.takes(BOOT, 4, replayed=True)


def test_filling_a_gap_leaves_its_rest() -> None:
    books = Open.read({BOOT: 9}, gaps=[(BOOT, (3, 7))])
    assert books.takes(BOOT, 5)
    assert books.old_gaps == {(BOOT, (3, 7))}
    assert books.new_gaps == {(BOOT, (3, 4)), (BOOT, (6, 7))}
