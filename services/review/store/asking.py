"""A query over predictions as a condition on their columns."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, and_, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from libs.query.sql import Columns, where
from libs.query.tree import Expression
from libs.schemas.values import DeployedModel
from libs.store.session import Read
from services.review.core.columns import label_bits, label_words
from services.review.tables import labelmap, prediction

Column = ColumnElement[Any]
Labelmaps = Mapping[UUID, Sequence[str]]


class LabelUnknown(Exception):
    """No version of the deployment ever had this label. `known`: those it has."""

    def __init__(self, label: str, known: Sequence[str]) -> None:
        super().__init__(f"{label[:100]!r} is no label; there are {', '.join(known)[:500]}")


async def labelmaps(
    read: Read, organization: UUID, deployment: UUID, champion: DeployedModel
) -> dict[UUID, list[str]]:
    """Of every version that was deployed, the champion's first."""
    rows = await read.all(
        select(labelmap.c.version, labelmap.c.labels).where(
            labelmap.c.organization == organization, labelmap.c.deployment == deployment
        )
    )
    return {champion.version: champion.labels} | {row["version"]: row["labels"] for row in rows}


def condition(wanted: Expression, known: Labelmaps, champion: DeployedModel) -> Column:
    """What `wanted` (checked against `core.asking.fields`) says of a row."""

    def has_label(label: str | None) -> Column:
        if label is None:
            return func.cardinality(prediction.c.labels) == 0
        return has(label, known, champion)

    columns: Columns = {
        "reviewed": prediction.c.revision > 0,
        "status": prediction.c.status,
        "labels": has_label,
        "boxes": prediction.c.boxes,
        "score.max": prediction.c.max_score,
        "score.min": prediction.c.min_score,
        "outlier": prediction.c.outlier,
        "disagreement": prediction.c.disagreement,
        "shadow": prediction.c.has_shadow,
        "picture": prediction.c.has_picture,
        "latency": prediction.c.latency,
        "filename": prediction.c.filename,
        "source": prediction.c.source,
        "tags": lambda tag: _holds(prediction.c.tags, tag),
        "flags": lambda flag: _holds(prediction.c.flags, flag),
        "time": prediction.c.event_time,
        "received": prediction.c.receive_time,
        "version": prediction.c.version,
        "id": prediction.c.id,
    }
    return where(wanted, columns)


def has(label: str, known: Labelmaps, champion: DeployedModel) -> Column:
    """The champion of the time saw `label`. Raises LabelUnknown."""
    bits = label_bits(label, known)
    if not bits:
        raise LabelUnknown(label, champion.labels)
    conditions = [and_(prediction.c.version == b.version, _bit(b.word, b.bit)) for b in bits]
    for b in bits:
        if b.version == champion.version:
            # A client may name a version that was never deployed: it is read as the champion's.
            stranger = prediction.c.version.not_in(known)
            conditions.append(and_(stranger, _bit(b.word, b.bit)))
    return func.coalesce(or_(*conditions), false())


def _bit(word: int, bit: int) -> Column:
    # `<> 0`, not `= mask`: the planner takes equality with an expression for rare (0.5 %) and
    # then sorts the whole deployment instead of walking an index for one page.
    held: Column = prediction.c.labels[word + 1]
    return held.bitwise_and(literal(label_words([bit])[0], BigInteger)) != 0


def _holds(column: Column, value: str | None) -> Column:
    if value is None:
        return func.cardinality(column) == 0
    return column.contains(literal([value], ARRAY(Text)))
