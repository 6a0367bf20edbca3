"""The till: what a process gave out, what it refused, and what it cannot be sure of."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.ingest.core.till import Taken, Till, ranges

ORGANIZATION, DOCK, GATE = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Now:
    """A clock that stands."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def settled(till: Till) -> Taken:
    taken = till.take()
    till.written(taken)
    return taken


def given(taken: Taken) -> list[int]:
    return [one.sequence for one in taken.given]


def test_numbers_run_from_one_for_each_deployment_of_a_process() -> None:
    till = Till(Now())
    dock = [till.next(ORGANIZATION, DOCK) for _ in range(3)]
    gate = till.next(ORGANIZATION, GATE)
    assert [number for _, number in dock] == [1, 2, 3]
    assert len({boot for boot, _ in dock}) == 1
    assert gate[1] == 1
    assert gate[0] != dock[0][0]


def test_only_what_is_acknowledged_is_written_down_and_once() -> None:
    till = Till(Now())
    numbers = [till.next(ORGANIZATION, DOCK) for _ in range(3)]
    assert not till.take()
    till.sent(numbers[:2])
    assert given(settled(till)) == [2]
    assert not till.take()
    till.sent(numbers[2:])
    assert given(settled(till)) == [3]


def test_a_failed_send_begins_a_new_boot() -> None:
    till = Till(Now())
    first = till.next(ORGANIZATION, DOCK)
    till.failed([first])
    second = till.next(ORGANIZATION, DOCK)
    assert second[0] != first[0]
    assert second[1] == 1


def test_numbers_that_failed_before_an_accepted_one_are_told_as_uncertain() -> None:
    till = Till(Now())
    numbers = [till.next(ORGANIZATION, DOCK) for _ in range(6)]
    till.sent(numbers[:1])
    till.failed(numbers[1:3])
    till.sent(numbers[3:4])
    taken = settled(till)
    assert given(taken) == [4]
    assert taken.uncertain == ()  # 5 and 6 are open: more may fail
    till.failed(numbers[4:])
    (uncertain,) = settled(till).uncertain
    assert (uncertain.boot, uncertain.first, uncertain.last) == (numbers[0][0], 2, 3)
    assert not till.take()


def test_a_bus_that_is_away_leaves_nothing_to_write() -> None:
    till = Till(Now())
    for _ in range(100):
        till.failed([till.next(ORGANIZATION, DOCK)])
    taken = settled(till)
    assert not taken
    assert till._boots == {}


def test_what_could_not_be_written_comes_again_with_what_came_after() -> None:
    till = Till(Now())
    numbers = [till.next(ORGANIZATION, DOCK) for _ in range(4)]
    till.failed(numbers[:1])
    till.sent(numbers[1:3])
    till.refuse(ORGANIZATION, DOCK, "malformed")
    till.sent(numbers[3:])
    lost = till.take()
    till.put_back(lost)
    till.refuse(ORGANIZATION, DOCK, "malformed")
    again = settled(till)
    assert given(again) == [4]
    assert [(one.first, one.last) for one in again.uncertain] == [(1, 1)]
    assert [one.count for one in again.refused] == [2]
    assert not till.take()


def test_refusals_lie_in_the_hour_in_which_they_were() -> None:
    now = Now()
    till = Till(now)
    now.time = NOON + timedelta(minutes=59)
    till.refuse(ORGANIZATION, DOCK, "malformed")
    now.time = NOON + timedelta(minutes=61)
    till.refuse(ORGANIZATION, DOCK, "malformed")
    till.refuse(ORGANIZATION, DOCK, "bad-picture")
    refused = {(one.reason, one.hour.hour): one.count for one in till.take().refused}
    assert refused == {("malformed", 12): 1, ("malformed", 13): 1, ("bad-picture", 13): 1}


def test_a_boot_that_is_over_is_forgotten() -> None:
    till = Till(Now())
    for _ in range(20):
        accepted, failed = (till.next(ORGANIZATION, DOCK) for _ in range(2))
        till.sent([accepted])
        till.failed([failed])
    assert given(settled(till)) == [1] * 20
    assert till._boots == {}


def test_neighbours_are_one_range() -> None:
    assert ranges([5, 1, 2, 9, 3]) == [(1, 3), (5, 5), (9, 9)]
    assert ranges([]) == []
