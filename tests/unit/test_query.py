"""The query language: what it reads, what it refuses and where, what it proposes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.query.completion import completions
from libs.query.fields import Field, checked
from libs.query.matching import matches
from libs.query.reading import DEEPEST, LONGEST, MOST_COMPARISONS, MOST_LISTED, parse
from libs.query.tree import Expression, Kind, QueryRefused, Span

FIELDS = {
    "boxes": Field(kind=Kind.INTEGER, what="shapes"),
    "outlier": Field(kind=Kind.NUMBER, what="score", nullable=True),
    "filename": Field(kind=Kind.TEXT, what="name"),
    "status": Field(kind=Kind.CHOICE, what="review", nullable=True, choices=("TO_REVIEW", "DONE")),
    "reviewed": Field(kind=Kind.BOOLEAN, what="by a human"),
    "time": Field(kind=Kind.TIME, what="when"),
    "labels": Field(kind=Kind.SET, what="seen", choices=("car", "truck"), closed=True),
    "model.version": Field(kind=Kind.UUID, what="which", nullable=True),
}
ROW = {
    "boxes": 7,
    "outlier": None,
    "filename": "Belt-7.JPG",
    "status": "TO_REVIEW",
    "reviewed": False,
    "time": datetime(2026, 11, 21, 13, 30, 5, tzinfo=UTC),
    "labels": {"car"},
    "model.version": None,
}


def wanted(text: str) -> Expression:
    tree = parse(text)
    assert tree is not None
    return checked(tree, FIELDS)


@pytest.mark.parametrize(
    "text",
    [
        "boxes = 7",
        "boxes > 6 and boxes <= 7 or boxes = 0",
        "boxes in (1, 7)",
        "boxes not in (1, 2)",
        "outlier = None",
        "outlier != 0.5",
        'filename ~ "belt"',
        'filename !~ "dock"',
        'filename startswith "BELT" and filename endswith ".jpg"',
        'filename not startswith "x"',
        'status = "TO_REVIEW" and status != None',
        "reviewed = False",
        'labels = "car" and labels != "truck"',
        'labels in ("truck", "car")',
        "labels != None",
        'time = "2026-11"',
        'time = "2026-11-21 13:30"',
        'time >= "2026-11-21" and time <= "2026-11-21"',
        'time > "2026-11-20" and time < "2026-11-22"',
        'time = "2026-11-21T14:30:05+01:00"',
        "model.version = None",
        '(boxes = 1 or boxes = 7) and filename ~ "7"',
        "boxes = 7 or boxes = 1 and boxes = 2",
        'boxes = 7 AND filename ~ "belt" OR boxes = 3',
    ],
)
def test_a_row_is_found_by_what_is_true_of_it(text: str) -> None:
    assert matches(wanted(text), ROW)


@pytest.mark.parametrize(
    "text",
    [
        "outlier > 0.5",
        "outlier in (0.5)",
        'status != "TO_REVIEW"',
        'labels != "car"',
        'labels not in ("car")',
        "labels = None",
        "reviewed = True",
        '(boxes = 7 or boxes = 1) and filename ~ "dock"',
        'time = "2025"',
    ],
)
def test_a_row_is_not_found_by_what_is_not(text: str) -> None:
    assert not matches(wanted(text), ROW)


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("boxs > 3", 1, "there is no field boxs; did you mean boxes?"),
        ("boxes ~ 3", 7, "boxes (integer) has no operator ~"),
        ('boxes > "3"', 9, "boxes is compared with a whole number"),
        ("boxes > 3.5", 9, "whole number"),
        ("boxes > True", 9, "whole number"),
        ("boxes >", 8, "expected a value"),
        ("boxes 3", 7, "expected an operator"),
        ("boxes > 3 boxes", 11, "expected `and`, `or` or the end, found boxes"),
        ("boxes > 3 and", 14, "expected a field, the query ends here"),
        ("(boxes > 3", 11, "expected `)`"),
        ("boxes in 3", 10, "expected a list in parentheses"),
        ("boxes in (3", 12, "expected `,` or `)`"),
        ("boxes not 3", 11, "after `not`"),
        ("boxes = None", 9, "boxes always has a value"),
        ("outlier > None", 11, "None goes with = and != only"),
        ("filename = 'x'", 12, "double quotes"),
        ('filename = "x', 12, "the string has no end"),
        (r'filename = "\q"', 12, "an escape that does not exist"),
        (r'filename = "\u0000"', 12, "U+0000"),
        (r'filename = "\ud800"', 12, "an escape"),
        ('status = "TODO"', 10, 'is none of "TO_REVIEW", "DONE"'),
        ('labels = "cat"', 10, 'is none of "car", "truck"; did you mean "car"?'),
        ('time > "yesterday"', 8, "time is compared with a time such as"),
        ('time > "2026-02-30"', 8, "time is compared with a time such as"),
        ('time > "9999"', 8, "time is compared with"),
        ("outlier > 1e999", 11, "the number is too large"),
        ("outlier > 1.2.3", 11, "this is no number"),
        ("boxes > 99999999999999999999", 9, "whole number"),
        ("boxes = 3 & boxes = 4", 11, "'&' is no part of a query"),
        ("x" * (LONGEST + 1), LONGEST + 1, f"at most {LONGEST} characters"),
        ("(" * (DEEPEST + 1), DEEPEST + 1, "parentheses in one another"),
        (" and ".join(["boxes=1"] * (MOST_COMPARISONS + 1)), 1201, "comparisons"),
        (f"boxes in ({','.join(['1'] * (MOST_LISTED + 1))})", 411, "a list has at most"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, column: int, what: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        wanted(text)
    assert refused.value.at.column == column - 1
    assert str(refused.value).startswith(f"column {column}: ")
    assert what in str(refused.value)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_query_asks_for_everything(text: str) -> None:
    assert parse(text) is None


LETTERS = 'abox in="<>!~().,01e-\\"\' \nnotandror'


@given(st.text(alphabet=LETTERS, max_size=60) | st.text(max_size=30))
def test_any_text_is_read_or_refused_within_itself(text: str) -> None:
    at = Span(0, 0)
    try:
        parse(text)
    except QueryRefused as refused:
        at = refused.at
    assert 0 <= at.column <= at.column + at.length <= len(text)


def proposed(text: str) -> Sequence[str]:
    return [one.text for one in completions(text, len(text), FIELDS)]


def test_what_may_come_next_is_proposed() -> None:
    assert proposed("") == list(FIELDS)
    assert proposed("out") == ["outlier"]
    assert proposed("(boxes > 3 or fil") == ["filename"]
    assert proposed("boxes ")[:3] == ["=", "!=", ">"]
    assert proposed("boxes > 3 ") == ["and", "or"]
    assert proposed("boxes > 3 a") == ["and"]
    assert proposed("reviewed = ") == ["True", "False"]
    assert proposed("labels = ") == ['"car"', '"truck"', "None"]
    assert proposed('labels = "tr') == ['"truck"']
    assert proposed("labels in ") == ["("]
    assert proposed('labels in ("car", ') == ['"car"', '"truck"', "None"]
    assert proposed('status = "D') == ['"DONE"']
    assert proposed("model.v") == ["model.version"]
    assert proposed("nothing = ") == []
    assert proposed("boxes = 'x") == []


def test_a_proposal_says_what_it_replaces() -> None:
    (one,) = completions('boxes > 3 and labels = "tr and', 26, FIELDS)
    assert (one.text, one.at.column, one.at.length) == ('"truck"', 23, 3)
    (two,) = completions("boxes > 3 and outl", 18, FIELDS)
    assert (two.text, two.at.column, two.at.length) == ("outlier", 14, 4)
