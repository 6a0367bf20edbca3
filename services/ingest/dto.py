"""The HTTP interface of ingest."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping

from libs.bus.partitioning import partition_number
from libs.schemas.topics import PREDICTIONS
from services.ingest.core.books import Ledger


class Accepted(BaseModel):
    """A prediction is durable; its picture, if one was kept, is the Data."""

    id: UUID
    data: UUID


class LostRange(BaseModel):
    """Numbers of a boot (one run of a process) that were accepted and never came back."""

    boot: UUID
    first: int
    last: int
    seen: datetime


class LedgerDto(BaseModel):
    """received = stored + duplicate + rejected + dead_lettered + in_flight (+ missing).

    `missing` is not 0 where the books do not balance; `lost` says which, `alert_since` since when
    an alert tells of it. `replayed`: dead letters that were stored after all. `partition`: of the
    topic `predictions`. `waiting_since`: nothing moves though something is in flight.
    """

    received: int
    stored: int
    duplicate: int
    rejected: int
    dead_lettered: int
    in_flight: int
    missing: int
    balanced: bool
    replayed: int
    partition: int
    rejected_by_reason: dict[str, int]
    lost: list[LostRange]
    waiting_since: datetime | None
    alert_since: datetime | None


class NamedLedger(LedgerDto):
    """The books of a deployment in a list of them."""

    deployment: UUID
    name: str


class RefusedInHour(BaseModel):
    """How many of a deployment were refused for a reason in the hour that begins at `hour`."""

    deployment: UUID
    hour: datetime
    reason: str
    count: int


class Rejections(BaseModel):
    """Refusals at the door, oldest first; hours without any are not there."""

    items: list[RefusedInHour]


class DataDto(BaseModel):
    """An image of the Datalake."""

    id: UUID
    filename: str
    content_type: str
    width: int
    height: int
    source: str
    tags: list[str]
    metadata: dict[str, Any]
    created: datetime
    has_picture: bool


def ledger_dto(ledger: Ledger) -> LedgerDto:
    return LedgerDto.model_validate(_ledger_fields(ledger))


def named_ledger(name: str, ledger: Ledger) -> NamedLedger:
    fields = _ledger_fields(ledger) | {"deployment": ledger.deployment, "name": name}
    return NamedLedger.model_validate(fields)


def data_dto(row: RowMapping) -> DataDto:
    return DataDto(
        id=row["id"],
        filename=row["filename"],
        content_type=row["content_type"],
        width=row["width"],
        height=row["height"],
        source=row["source"],
        tags=row["tags"],
        metadata=row["metadata"],
        created=row["event_time"],
        has_picture=row["picture_key"] is not None,
    )


def _ledger_fields(ledger: Ledger) -> dict[str, Any]:
    same = LedgerDto.model_fields.keys() - {"partition", "lost"}
    return {name: getattr(ledger, name) for name in same} | {
        "partition": partition_number(str(ledger.deployment), PREDICTIONS.partitions),
        "lost": [asdict(gap) for gap in ledger.lost],
    }
