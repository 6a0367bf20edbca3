"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the data is the value."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

from libs.schemas.topics import Topic

_EVENTS: "dict[str, type[Event]]" = {}


class MalformedEvent(ValueError):
    """A record that is no event of ours: which attribute or field is wrong is in the text."""


class UnknownEventType(MalformedEvent):
    """An event type this process does not know: a later release wrote it, or a stranger."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The data of an event. Subclasses declare where they travel: `class X(Event)` + `@event`."""

    event_type: ClassVar[str]
    topic: ClassVar[Topic]

    @property
    def key(self) -> str:
        """The record's key: the value of the field that the topic is keyed by."""
        return str(getattr(self, self.topic.key))


E = TypeVar("E", bound=Event)


def event(event_type: str, topic: Topic):  # type: ignore[no-untyped-def]  # a class decorator keeps its class's type
    """Register an event under `sightloop.<event_type>`; the type carries the major version."""

    def register(cls: type[E]) -> type[E]:
        cls.event_type = f"sightloop.{event_type}"
        cls.topic = topic
        if cls.event_type in _EVENTS:
            raise ValueError(f"two events are named {cls.event_type}")
        _EVENTS[cls.event_type] = cls
        return cls

    return register


def registry() -> Mapping[str, type[Event]]:
    """Every registered event by its type."""
    return dict(_EVENTS)


class Message(msgspec.Struct, frozen=True):
    """What is published: bytes with a topic, a key and headers."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


_ATTRIBUTES = {
    "id": "ce_id",
    "source": "ce_source",
    "time": "ce_time",
    "organization": "ce_organization",
    "actor": "ce_actor",
    "causation": "ce_causationid",
}


class Meta(msgspec.Struct, frozen=True, kw_only=True, rename=_ATTRIBUTES):
    """The attributes of an event: who, when, for whom, and why."""

    id: UUID
    source: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    organization: UUID
    actor: str | None = None
    causation: UUID | None = None
    traceparent: str | None = None


class Received(msgspec.Struct, Generic[E], frozen=True):
    """An event as a handler gets it. `replayed`: an operator sent it again after it had died."""

    meta: Meta
    data: E
    replayed: bool = False

    @property
    def organization(self) -> UUID:
        return self.meta.organization


_encoder = msgspec.json.Encoder()
_decoders: dict[str, msgspec.json.Decoder[Event]] = {}


def encode(data: Event, meta: Meta) -> Message:
    """The message of an event. UUIDs and times travel as text, the data as JSON."""
    headers = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_type": data.event_type,
        "ce_id": str(meta.id),
        "ce_source": meta.source,
        "ce_time": meta.time.isoformat(),
        "ce_organization": str(meta.organization),
        "ce_actor": meta.actor,
        "ce_causationid": str(meta.causation) if meta.causation else None,
        "traceparent": meta.traceparent,
    }
    return Message(
        topic=data.topic.name,
        key=data.key,
        value=_encoder.encode(data),
        headers=tuple((name, text.encode()) for name, text in headers.items() if text is not None),
    )


def event_type(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The type a record claims, without parsing the rest; None where there is none."""
    for name, value in headers:
        if name == "ce_type":
            return value.decode(errors="replace")
    return None


def decode(headers: Iterable[tuple[str, bytes]], value: bytes) -> Received[Event]:
    """The event in a record.

    Raises:
        UnknownEventType: the type is not registered.
        MalformedEvent: an attribute is missing or wrong, or the data does not fit its schema.
    """
    try:
        read = {name: text.decode() for name, text in headers}
    except UnicodeDecodeError as error:
        raise MalformedEvent(f"a header is not UTF-8: {error}") from error
    kind = read.get("ce_type")
    if kind is None:
        raise MalformedEvent("the header ce_type is missing")
    cls = _EVENTS.get(kind)
    if cls is None:
        raise UnknownEventType(f"no event is named {kind[:100]!r}")
    try:
        meta = msgspec.convert(read, Meta)
    except msgspec.ValidationError as error:
        raise MalformedEvent(_wrong(read, error)) from error
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(cls)
    try:
        return Received(meta, decoder.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEvent(f"{kind}: {error}") from error


def _wrong(headers: Mapping[str, str], error: msgspec.ValidationError) -> str:
    for name in ("ce_id", "ce_source", "ce_time", "ce_organization"):
        if name not in headers:
            return f"the header {name} is missing"
    return f"a header is wrong: {error}"
