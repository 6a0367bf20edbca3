"""Images in the Datalake."""

from datetime import datetime
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import DATA
from libs.schemas.values import Picture


@event("data.registered.v1", DATA)
class DataRegistered(Event, frozen=True, kw_only=True):
    """An image was uploaded (not logged with a prediction: that event says so itself)."""

    data: UUID
    filename: str
    width: int
    height: int
    source: str
    tags: list[str]
    picture: Picture
    event_time: datetime


@event("data.changed.v1", DATA)
class DataChanged(Event, frozen=True, kw_only=True):
    """Source or tags of an image were changed; both in full."""

    data: UUID
    revision: int
    source: str
    tags: list[str]


@event("data.deleted.v1", DATA)
class DataDeleted(Event, frozen=True, kw_only=True):
    """An image was deleted. `erase`: dataset copies go too."""

    data: UUID
    picture: Picture | None
    erase: bool
