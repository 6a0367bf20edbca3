"""The HTTP interface of ingest."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import RowMapping

from libs.bus.partitioning import partition_number
from libs.query.reading import LONGEST
from libs.schemas.topics import PREDICTIONS
from services.ingest.core.books import Ledger


def _storable(name: str) -> str:
    if "\x00" in name:
        raise ValueError("the character U+0000 cannot be stored")
    if not name.strip():
        raise ValueError("is blank")
    return name


TagName = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_storable)]


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
    size: int | None
    sha256: str | None
    deployment: UUID | None


class UploadedDto(DataDto):
    """An uploaded image. `duplicate`: it was there before."""

    duplicate: bool


class DataDetail(DataDto):
    """An image in full. `prediction`: that it was logged with; `twins`: the newest other images
    with the same bytes, at most a hundred."""

    custom_metadata: dict[str, Any]
    received: datetime
    prediction: UUID | None
    twins: list[UUID]


class NamesDto(BaseModel):
    """Names worth proposing."""

    tags: list[str]
    sources: list[str]


class TagsBody(BaseModel):
    """Which images, by their ids or by a query, and which tags."""

    model_config = ConfigDict(extra="forbid")

    images: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = None
    q: Annotated[str, Field(max_length=LONGEST)] | None = None
    add: Annotated[list[TagName], Field(max_length=20)] = []
    remove: Annotated[list[TagName], Field(max_length=20)] = []

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.images is None) == (self.q is None):
            raise ValueError("give either images or q")
        if not self.add and not self.remove:
            raise ValueError("give tags to add or to remove")
        return self


class PlaceDto(BaseModel):
    """A place that images may be registered from. `kind`: folder or bucket."""

    name: str
    kind: str


class PlacesDto(BaseModel):
    """Every place, by name."""

    items: list[PlaceDto]


class RegistrationBody(BaseModel):
    """What is to be taken, and what is said of each image."""

    model_config = ConfigDict(extra="forbid")

    place: Annotated[str, Field(min_length=1, max_length=64)]
    path: Annotated[str, Field(max_length=1024)] = ""
    source: TagName = "registration"
    tags: Annotated[list[TagName], Field(max_length=20)] = []


class RegistrationDto(BaseModel):
    """Images that are taken from a place; `id` is the job's.

    `total`: files there, once they are counted; done are those added, those whose bytes were
    there (`duplicates`), those that are no pictures by their names (`passed_over`) and `failed`.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    place: str
    path: str
    source: str
    tags: list[str]
    state: str
    message: str
    error: str | None
    total: int | None
    added: int
    duplicates: int
    passed_over: int
    failed: int
    created: datetime
    finished: datetime | None


class RegistrationError(BaseModel):
    """A file or object that could not be taken, and why."""

    name: str
    error: str


class TaggedDto(BaseModel):
    """How many images were meant, and how many are other than before."""

    images: int
    changed: int


def data_detail(row: RowMapping, *, prediction: UUID | None, twins: list[UUID]) -> DataDetail:
    return DataDetail(
        **data_dto(row).model_dump(),
        custom_metadata=row["custom_metadata"],
        received=row["receive_time"],
        prediction=prediction,
        twins=twins,
    )


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
        size=row["picture_size"],
        sha256=row["picture_sha256"],
        deployment=row["deployment"],
    )


def _ledger_fields(ledger: Ledger) -> dict[str, Any]:
    same = LedgerDto.model_fields.keys() - {"partition", "lost"}
    return {name: getattr(ledger, name) for name in same} | {
        "partition": partition_number(str(ledger.deployment), PREDICTIONS.partitions),
        "lost": [asdict(gap) for gap in ledger.lost],
    }
