"""How each process of the platform is, as it says itself, and what an operator asks of one."""

from datetime import datetime
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import PROCESSES
from libs.schemas.values import Value

NOBODY = UUID(int=0)
"""The organisation of events that are about the platform and no organisation's."""


class ConsumerReport(Value, frozen=True, kw_only=True):
    """A consumer in one process. `lag`: records behind, of its `partitions`; null: not known."""

    name: str
    topics: list[str]
    partitions: int
    lag: int | None
    ready: bool
    breaker_open: bool
    reason: str = ""


@event("process.reported.v1", PROCESSES)
class ProcessReported(Event, frozen=True, kw_only=True):
    """A process and its consumers, said again every few seconds. `ended`: it says no more."""

    process: UUID
    services: list[str]
    host: str
    version: str
    started_time: datetime
    reported_time: datetime
    consumers: list[ConsumerReport]
    ended: bool = False


@event("breaker.close_asked.v1", PROCESSES)
class BreakerCloseAsked(Event, frozen=True, kw_only=True):
    """An operator has mended why events died: the consumer may go on in this process."""

    process: UUID
    consumer: str
