"""What the predictions that a query finds have, by value: what stands beside a list."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array

from libs.schemas.values import DeployedModel
from libs.store.session import Read
from services.review.store.asking import has, labelmaps
from services.review.store.listing import Filters, conditions_of
from services.review.tables import prediction

LOOKED = 50_000
TOP = 20
LABELS = 64

Counted = list[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Counts among the newest `looked` predictions; `complete`: these are all that are found.

    `labels`: the first 64 of the champion, in its order; `sources` and `tags`: the twenty most
    frequent.
    """

    looked: int
    complete: bool
    status: Counted
    without_picture: int
    labels: Counted
    sources: Counted
    tags: Counted


async def facets(
    read: Read, organization: UUID, deployment: UUID, *, filters: Filters, champion: DeployedModel
) -> Facets:
    """Count the newest 50,000 of what the filters find, in one pass. Raises LabelUnknown."""
    conditions = await conditions_of(read, organization, deployment, filters, champion)
    known = await labelmaps(read, organization, deployment, champion)
    labels = list(dict.fromkeys(champion.labels))[:LABELS]
    seen = [case((has(label, known, champion), at)) for at, label in enumerate(labels)]
    newest = (
        select(
            prediction.c.status,
            prediction.c.source,
            prediction.c.tags,
            prediction.c.has_picture,
            cast(array(seen), ARRAY(Integer)).label("labels"),
        )
        .where(*conditions)
        .order_by(prediction.c.event_time.desc(), prediction.c.id.desc())
        .limit(LOOKED)
        .cte("newest")
    )
    rows = await read.all(
        union_all(
            _grouped("picture", newest.c.has_picture),
            _grouped("status", newest.c.status),
            _grouped("label", func.unnest(newest.c.labels), top=LABELS + 1),
            _grouped("source", newest.c.source),
            _grouped("tag", func.unnest(newest.c.tags)),
        )
    )
    counted: dict[str, Counted] = defaultdict(list)
    for row in rows:
        if row["value"] is not None:
            counted[row["kind"]].append((row["value"], row["n"]))
    of_labels = dict(counted["label"])
    looked = sum(n for _, n in counted["picture"])
    return Facets(
        looked=looked,
        complete=looked < LOOKED,
        status=counted["status"],
        without_picture=dict(counted["picture"]).get("false", 0),
        labels=[(label, of_labels.get(str(at), 0)) for at, label in enumerate(labels)],
        sources=counted["source"][:TOP],
        tags=counted["tag"],
    )


def _grouped(kind: str, value: ColumnElement[Any], *, top: int = TOP + 1) -> Select[Any]:
    """`kind`, `value` as text, `n`: the most frequent first. One more, for null is a group, too."""
    values = select(cast(value, Text).label("value")).subquery()
    n = func.count().label("n")
    groups = (
        select(values.c.value, n)
        .group_by(values.c.value)
        .order_by(n.desc(), values.c.value)
        .limit(top)
        .subquery()
    )
    return select(literal(kind).label("kind"), groups.c.value, groups.c.n)
