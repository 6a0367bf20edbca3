"""The breaker, by itself."""

import pytest

from libs.bus.breaker import Breaker, BreakerOpened
from libs.bus.consumer import Policy
from libs.bus.driver import Partition

POLICY = Policy(breaker_window=10, breaker_minimum=4, breaker_share=0.5)
PARTITION = Partition("t", 0)


def live(breaker: Breaker, offsets: range) -> None:
    breaker.lived([(PARTITION, offset) for offset in offsets])


def test_it_opens_when_more_than_its_share_of_enough_records_died() -> None:
    breaker = Breaker(POLICY)
    live(breaker, range(2))
    breaker.died((PARTITION, 2), "odd")
    breaker.died((PARTITION, 3), "odd")
    with pytest.raises(BreakerOpened, match="3 of 5 events died: odd"):
        breaker.died((PARTITION, 4), "odd")
    assert breaker.open


def test_a_few_records_open_nothing() -> None:
    breaker = Breaker(POLICY)
    for offset in range(3):
        breaker.died((PARTITION, offset), "odd")
    assert not breaker.open


def test_a_record_that_comes_again_counts_once() -> None:
    breaker = Breaker(POLICY)
    for _ in range(100):
        breaker.died((PARTITION, 0), "odd")
    assert not breaker.open


def test_what_lived_long_ago_excuses_nothing() -> None:
    breaker = Breaker(POLICY)
    live(breaker, range(1_000))
    for offset in range(1_000, 1_005):
        breaker.died((PARTITION, offset), "odd")
    with pytest.raises(BreakerOpened, match="6 of 10 events died: odd"):
        breaker.died((PARTITION, 1_005), "odd")


def test_once_open_it_lets_nothing_die_and_keeps_its_first_reason() -> None:
    breaker = Breaker(POLICY)
    breaker.fail("cannot be buried")
    live(breaker, range(10))
    with pytest.raises(BreakerOpened, match="cannot be buried"):
        breaker.died((PARTITION, 11), "odd")
