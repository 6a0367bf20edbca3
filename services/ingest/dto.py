"""The HTTP interface of ingest."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.ingest.core.books import Ledger


class Accepted(BaseModel):
    """A prediction is durable; its picture, if one was kept, is the Data."""

    id: UUID
    data: UUID


class LedgerDto(BaseModel):
    """received = stored + duplicate + rejected + in_flight."""

    received: int
    stored: int
    duplicate: int
    rejected: int
    in_flight: int
    balanced: bool
    rejected_by_reason: dict[str, int]


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
    return LedgerDto(
        received=ledger.received,
        stored=ledger.stored,
        duplicate=ledger.duplicate,
        rejected=ledger.rejected,
        in_flight=ledger.in_flight,
        balanced=ledger.balanced,
        rejected_by_reason=ledger.rejected_by_reason,
    )


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
