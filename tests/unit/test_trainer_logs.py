"""What an experiment may log."""

import math
from typing import Any

import pytest

from services.trainer.core.logs import MOST_POINTS, Curve, LogRefused, LogType, check, curves
from services.trainer.core.logs import labels_of as labels


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (0.5, [Curve("", "loss", (0.5,))]),
        ([1, 2.5], [Curve("", "loss", (1.0, 2.5))]),
        ({"steps": [3, 5.0], "values": [1, 2]}, [Curve("", "loss", (1.0, 2.0), (3, 5))]),
        ({"values": [1, 2]}, [Curve("", "loss", (1.0, 2.0))]),
        (
            {"train": [1], "val": {"steps": [9], "values": [2]}},
            [Curve("train", "loss/train", (1.0,)), Curve("val", "loss/val", (2.0,), (9,))],
        ),
    ],
)
def test_a_line_takes_a_number_numbers_steps_and_series(data: Any, expected: list[Curve]) -> None:
    assert curves("loss", data) == expected


def test_a_loss_that_is_no_number_stays_a_point() -> None:
    (curve,) = curves("loss", [1.0, None])
    assert curve.values[0] == 1.0
    assert math.isnan(curve.values[1])


@pytest.mark.parametrize(
    "data",
    [
        "high", True, {}, [1, "2"], {"steps": [1], "values": [1, 2]},
        {"steps": [-1], "values": [1]}, {"steps": [0.5], "values": [1]},
        {"steps": ["1"], "values": [1]}, {"steps": [float("inf")], "values": [1]},
        [0.0] * (MOST_POINTS + 1),
    ],
)  # fmt: skip
def test_what_is_no_line_is_refused(data: Any) -> None:
    with pytest.raises(LogRefused):
        curves("loss", data)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (LogType.VALUE, 3), (LogType.VALUE, "AdamW"), (LogType.BAR, {"x": ["a"], "y": [1]}),
        (LogType.TABLE, {"rate": 0.1}), (LogType.TABLE, [[1, 2]]), (LogType.EVALUATION, {"a": 1}),
        (LogType.HEATMAP, {"categories": ["a", "b"], "values": [[1, 0], [0, 1]]}),
        (LogType.LABELMAP, {"0": "bolt", "1": "nut"}),
    ],
)  # fmt: skip
def test_data_of_their_kind_are_kept(kind: LogType, data: Any) -> None:
    check(kind, data)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (LogType.VALUE, [1]), (LogType.BAR, {"x": ["a"], "y": []}), (LogType.TABLE, 3),
        (LogType.HEATMAP, {"values": [[1], [1, 2]]}), (LogType.LABELMAP, {"0": 1}),
        (LogType.TABLE, {"a": "\x00"}), (LogType.VALUE, "\ud800"), (LogType.VALUE, "x" * 2**20),
    ],
)  # fmt: skip
def test_data_of_another_kind_are_refused(kind: LogType, data: Any) -> None:
    with pytest.raises(LogRefused):
        check(kind, data)


def test_a_labelmap_is_labels_where_it_counts_from_zero() -> None:
    assert labels({str(n): f"l{n}" for n in (10, 1, 0, *range(2, 10))}) == [
        f"l{n}" for n in range(11)
    ]
    assert labels({"1": "bolt", "2": "nut"}) == []
