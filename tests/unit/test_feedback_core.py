"""What feedback decides: agreement, difference, crossings."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.schemas.manifest import Annotation, ManifestAsset
from libs.schemas.values import ReviewShapes, TaskType
from services.feedback.core.agreement import Labelled, disagreements, refusal
from services.feedback.core.contents import Counts, Difference, count, difference
from services.feedback.core.trigger import (
    Counter,
    Crossing,
    Skipped,
    by_alert,
    by_hand,
    decide,
    experiment_name,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _labelled(name: str, *labels: str, task: TaskType = TaskType.OBJECT_DETECTION) -> Labelled:
    return Labelled(name=name, type=task, labels=labels)


def test_labels_agree_in_any_order() -> None:
    assert disagreements(_labelled("m 1", "a", "b"), _labelled("d v1", "b", "a")) == []


def test_both_sets_of_labels_that_do_not_agree_are_named() -> None:
    found = disagreements(_labelled("m 1", "a", "b"), _labelled("d v1", "b", "c", "e"))
    assert found == ['d v1 lacks the labels "a"', 'm 1 does not know the labels "c", "e"']


def test_a_type_that_does_not_agree_is_named() -> None:
    (sentence,) = disagreements(
        _labelled("m 1", "a"), _labelled("d v1", "a", task=TaskType.CLASSIFICATION)
    )
    assert sentence == "d v1 is for CLASSIFICATION, m 1 for OBJECT_DETECTION"


def test_a_review_is_refused_for_its_type_or_for_labels_that_are_not_there() -> None:
    version = _labelled("d v1", "a")
    review = ReviewShapes(labels=["a", "x", "x", "y"], boxes=[(0, 0, 1, 1)] * 4)
    assert refusal(TaskType.OBJECT_DETECTION, review, version) == 'd v1 has no label "x", "y"'
    why = refusal(TaskType.CLASSIFICATION, review, version)
    assert why == "d v1 is for OBJECT_DETECTION, the prediction is CLASSIFICATION"
    assert refusal(TaskType.OBJECT_DETECTION, ReviewShapes(labels=[]), version) is None


def _asset(number: int, label: str | None) -> ManifestAsset:
    return ManifestAsset(
        data=UUID(int=number),
        filename="f",
        picture="k",
        sha256=f"{number:064x}",
        width=1,
        height=1,
        annotation=None if label is None else Annotation(labels=[label] if label else []),
    )


def test_a_difference_tells_added_removed_changed_and_same_apart() -> None:
    old = [_asset(1, "a"), _asset(2, "a"), _asset(3, None), _asset(4, "")]
    new = [_asset(1, "a"), _asset(2, "b"), _asset(4, None), _asset(5, "a"), _asset(6, "a")]
    assert difference(old, new) == Difference(added=2, removed=1, changed=2, same=1)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, "", "a"])), max_size=6),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, "", "a"])), max_size=6),
)
def test_a_difference_adds_up_and_turns_around(
    before: list[tuple[int, str | None]], after: list[tuple[int, str | None]]
) -> None:
    old, new = [_asset(*one) for one in before], [_asset(*one) for one in after]
    there, back = difference(old, new), difference(new, old)
    assert there.same + there.changed + there.removed == len(old)
    assert there.same + there.changed + there.added == len(new)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert difference(old, old) == Difference(added=0, removed=0, changed=0, same=len(old))


def test_counts_know_labels_without_an_object() -> None:
    held = [_asset(1, "a"), _asset(2, ""), _asset(3, None), _asset(4, "a")]
    assert count(held, ["a", "b"]) == Counts(
        assets=4, annotated=3, objects_per_label={"a": 2, "b": 0}
    )


def _counter(**changed: object) -> Counter:
    values: dict[str, object] = {
        "active": True,
        "threshold": 3,
        "cool_down": timedelta(0),
        "submitted": 3,
        "crossings": 4,
        "last": None,
    }
    return Counter(**(values | changed))  # type: ignore[arg-type]


def test_a_training_is_due_at_the_threshold_and_says_why() -> None:
    due = decide(_counter(submitted=5), NOW)
    assert due is not None
    assert due.number == 5
    assert due.why == "5 of 3 reviewed predictions were submitted"
    assert decide(_counter(submitted=2), NOW) is None
    assert decide(_counter(active=False), NOW) is None


def test_the_cool_down_holds_a_training_back_and_then_lets_it_go() -> None:
    counter = _counter(last=NOW, cool_down=timedelta(minutes=5))
    assert decide(counter, NOW + timedelta(minutes=4, seconds=59)) is None
    assert decide(counter, NOW + timedelta(minutes=5)) is not None


def test_an_alert_asks_for_a_training_unless_something_is_against_it() -> None:
    def answer(**changed: object) -> object:
        return by_alert(_counter(submitted=5, **changed), NOW, text="drift", least=5)

    due = answer()
    assert isinstance(due, Crossing)
    assert (due.number, due.why) == (5, "alert: drift")
    assert answer(active=False) == Skipped("continuous training was off")
    assert answer(running=True) == Skipped("a training was running")
    held = answer(last=NOW - timedelta(minutes=1), cool_down=timedelta(minutes=5))
    assert held == Skipped("the cool-down lasts until 2026-03-01 12:04 UTC")
    few = by_alert(_counter(submitted=4), NOW, text="drift", least=5)
    assert few == Skipped(
        "4 reviewed predictions were submitted since the last training; it takes 5"
    )
    none_needed = by_alert(_counter(submitted=0), NOW, text="drift", least=0)
    assert isinstance(none_needed, Crossing)


def test_by_hand_needs_no_count_and_no_cool_down() -> None:
    counter = _counter(submitted=0, active=False, last=NOW, cool_down=timedelta(days=1))
    assert by_hand(counter).number == 5
    assert by_hand(counter).why == "by hand"


@given(st.lists(st.sampled_from(["submit", "look", "look again", "wait"]), max_size=60))
def test_each_crossing_fires_once_however_often_one_looks(steps: list[str]) -> None:
    submitted = crossings = told = 0
    last, now = None, NOW
    for step in steps:
        if step == "submit":
            submitted += 1
            told += 1
        elif step == "wait":
            now += timedelta(minutes=1)
        else:
            counter = _counter(
                submitted=submitted, crossings=crossings, last=last, cool_down=timedelta(minutes=2)
            )
            due = decide(counter, now)
            if due is not None:
                assert due.number == crossings + 1
                submitted, crossings, last = 0, due.number, now
    assert crossings <= told // 3


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_an_experiment_is_named_for_its_deployment_and_the_time_in_utc(zone: timezone) -> None:
    assert experiment_name("dock", NOW.astimezone(zone)) == "dock-20260301T120000Z"
