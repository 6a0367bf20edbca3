"""The board of processes: who is behind, who stands still, who is not heard of."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.schemas.events import ProcessReported
from libs.schemas.events.processes import ConsumerReport
from services.gateway.core.processes import FORGOTTEN, SILENT, Board, forecast

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def report(
    process: int, when: float, lag: int | None, *, ended: bool = False, breaker_open: bool = False
) -> ProcessReported:
    consumer = ConsumerReport(
        name="review.predictions", topics=["sightloop.predictions"], partitions=8, lag=lag,
        ready=True, breaker_open=breaker_open,
    )  # fmt: skip
    return ProcessReported(
        process=UUID(int=process), services=["review"], host=f"pod-{process}", version="1",
        started_time=NOON, reported_time=at(when), consumers=[consumer], ended=ended,
    )  # fmt: skip


def test_a_consumer_is_as_far_behind_as_all_its_processes_together() -> None:
    board = Board()
    board.take(report(1, 0, 400))
    board.take(report(2, 1, 600))
    (group,) = board.groups(at(2))
    assert (group.name, group.lag, group.breaker_open) == ("review.predictions", 1000, False)
    assert [member.host for member in group.members] == ["pod-1", "pod-2"]


def test_a_million_behind_is_caught_up_in_about_so_long() -> None:
    board = Board()
    for n in range(12):
        board.take(report(1, n * 5, 1_000_000 - n * 50_000))
    (group,) = board.groups(at(56))
    assert group.lag == 450_000
    assert group.caught_up == timedelta(seconds=45)


def test_what_does_not_come_nearer_has_no_forecast() -> None:
    assert forecast([(at(0), 10), (at(30), 10)]) is None
    assert forecast([(at(0), 0), (at(30), 90), (at(32), 80)]) is None
    assert forecast([(at(0), 10), (at(30), 20)]) is None
    assert forecast([(at(0), 10)]) is None
    assert forecast([(at(0), 10), (at(1), 5)]) is None
    assert forecast([]) is None


def test_the_pace_is_that_since_what_came_last() -> None:
    flood = [(at(0), 0), (at(10), 500), (at(20), 1000), (at(30), 900), (at(40), 800)]
    assert forecast(flood) == timedelta(seconds=80)


def test_a_process_that_is_not_heard_of_counts_no_more_and_is_forgotten_later() -> None:
    board = Board()
    board.take(report(1, 0, 400, breaker_open=True))
    board.take(report(2, 40, 600))
    later = at(SILENT.total_seconds() + 1)
    (group,) = board.groups(later)
    assert group.lag == 600
    assert not group.breaker_open
    assert [(member.host, member.silent) for member in group.members] == [
        ("pod-2", False), ("pod-1", True),
    ]  # fmt: skip
    (group,) = board.groups(at(FORGOTTEN.total_seconds() + 1))
    assert [member.host for member in group.members] == ["pod-2"]
    assert group.lag is None


def test_a_process_that_ends_in_order_is_gone_at_once() -> None:
    board = Board()
    board.take(report(1, 0, 400))
    board.take(report(1, 5, 0, ended=True))
    assert board.groups(at(6)) == []


def test_a_breaker_that_is_open_anywhere_is_open() -> None:
    board = Board()
    board.take(report(1, 0, 4))
    board.take(report(2, 0, 4, breaker_open=True))
    (group,) = board.groups(at(1))
    assert group.breaker_open
