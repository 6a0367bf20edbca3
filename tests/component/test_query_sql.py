"""The query language in SQL finds the rows that it finds in Python."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import create_async_engine

from libs.query.fields import OPERATORS, Field, checked
from libs.query.matching import matches
from libs.query.reading import parse
from libs.query.sql import Columns, where
from libs.query.tree import Kind, Operator
from libs.store.tables import Timestamp
from sightloop.embedded.postgres import EmbeddedPostgres

FIELDS = {
    "boxes": Field(kind=Kind.INTEGER, what=""),
    "outlier": Field(kind=Kind.NUMBER, what="", nullable=True),
    "filename": Field(kind=Kind.TEXT, what=""),
    "source": Field(kind=Kind.TEXT, what="", nullable=True),
    "status": Field(kind=Kind.CHOICE, what="", nullable=True, choices=("A", "B")),
    "reviewed": Field(kind=Kind.BOOLEAN, what=""),
    "time": Field(kind=Kind.TIME, what=""),
    "version": Field(kind=Kind.UUID, what="", nullable=True),
    "tags": Field(kind=Kind.SET, what=""),
}
rows_table = Table(
    "some", MetaData(), Column("number", Integer, primary_key=True), Column("boxes", Integer),
    Column("outlier", Float), Column("filename", Text), Column("source", Text),
    Column("status", Text), Column("reviewed", Boolean), Column("time", Timestamp),
    Column("version", Uuid), Column("tags", ARRAY(Text)),
)  # fmt: skip
TEXTS = ["", "a", "A", "belt", "BELT 7.jpg", "ä", "Ä", "100%", "a_b", "\\", '"', "line\nbreak"]
VERSIONS = [UUID(int=n) for n in range(3)]
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def has_tag(tag: str | None) -> ColumnElement[Any]:
    held = rows_table.c.tags
    if tag is None:
        return func.cardinality(held) == 0
    return held.contains(literal([tag], ARRAY(Text)))


def some_row(number: int, random: Random) -> dict[str, Any]:
    return {
        "number": number,
        "boxes": random.randrange(4),
        "outlier": random.choice([None, 0.0, 0.25, 0.5, 1.0]),
        "filename": random.choice(TEXTS),
        "source": random.choice([None, *TEXTS]),
        "status": random.choice([None, "A", "B"]),
        "reviewed": random.random() < 0.5,
        "time": EPOCH + timedelta(minutes=random.randrange(60 * 24 * 60)),
        "version": random.choice([None, *VERSIONS]),
        "tags": random.sample(TEXTS, random.randrange(4)),
    }


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def some_value(kind: Kind, random: Random) -> str:
    made: dict[Kind, Callable[[], str]] = {
        Kind.INTEGER: lambda: str(random.randrange(-1, 5)),
        Kind.NUMBER: lambda: random.choice(["0", "0.25", ".5", "1e0", "-2"]),
        Kind.TEXT: lambda: quoted(random.choice(TEXTS)),
        Kind.CHOICE: lambda: random.choice(['"A"', '"B"']),
        Kind.BOOLEAN: lambda: random.choice(["True", "False"]),
        Kind.TIME: lambda: random.choice(
            [
                '"2026"',
                '"2026-11"',
                '"2026-12-03"',
                '"2026-11-05 12:30"',
                '"2026-11-05T00:00+05:30"',
            ]
        ),
        Kind.UUID: lambda: f'"{random.choice(VERSIONS)}"',
        Kind.SET: lambda: quoted(random.choice(TEXTS)),
    }
    return made[kind]()


def some_query(random: Random, depth: int = 0) -> str:
    if depth < 3 and random.random() < 0.4:
        joined = random.choice([" and ", " or "]).join(
            some_query(random, depth + 1) for _ in range(random.randrange(2, 4))
        )
        return f"({joined})" if random.random() < 0.7 else joined
    name, field = random.choice(list(FIELDS.items()))
    operator = random.choice(OPERATORS[field.kind])
    if operator in (Operator.IN, Operator.NOT_IN):
        listed = ", ".join(some_value(field.kind, random) for _ in range(random.randrange(1, 4)))
        return f"{name} {operator} ({listed})"
    may_be_none = field.nullable or field.kind is Kind.SET
    equal = operator in (Operator.EQUAL, Operator.UNEQUAL)
    if may_be_none and equal and random.random() < 0.3:
        return f"{name} {operator} None"
    return f"{name} {operator} {some_value(field.kind, random)}"


async def test_sql_and_python_agree_on_every_query(postgres: EmbeddedPostgres) -> None:
    random = Random(7)
    rows = [some_row(number, random) for number in range(150)]
    columns: Columns = {name: rows_table.c[name] for name in FIELDS} | {"tags": has_tag}
    name = f"query_{uuid4().hex[:12]}"
    await postgres.create_database(name)
    engine = create_async_engine(postgres.dsn(name))
    found_some = 0
    try:
        async with engine.begin() as connection:
            await connection.run_sync(rows_table.metadata.create_all)
            await connection.execute(insert(rows_table), rows)
            for _ in range(500):
                text = some_query(random)
                tree = parse(text)
                assert tree is not None
                wanted = checked(tree, FIELDS)
                query = select(rows_table.c.number).where(where(wanted, columns))
                found = {row[0] for row in await connection.execute(query)}
                assert found == {row["number"] for row in rows if matches(wanted, row)}, text
                found_some += 0 < len(found) < len(rows)
    finally:
        await engine.dispose()
    assert found_some > 250
