"""Many events of one type and key from one cause: what they share is written once."""

from uuid import UUID

from libs.schemas.envelope import Event, Message


class Stamp:
    """Makes what `encode` makes, with the headers in another order, in a third of its time."""

    def __init__(
        self, kind: type[Event], key: str, source: str, organization: UUID, actor: str
    ) -> None:
        self._topic = kind.topic.name
        self._key = key
        self._shared = (
            ("content-type", b"application/json"),
            ("ce_specversion", b"1.0"),
            ("ce_type", kind.event_type.encode()),
            ("ce_source", source.encode()),
            ("ce_organization", str(organization).encode()),
            ("ce_actor", actor.encode()),
        )

    def message(
        self, value: bytes, *, event_id: str, time: bytes, traceparent: str | None
    ) -> Message:
        """The message of an event from its JSON. `time`: ISO 8601 with its zone."""
        of_this = ("ce_id", event_id.encode()), ("ce_time", time)
        of_trace = () if traceparent is None else (("traceparent", traceparent.encode()),)
        headers = (*self._shared, *of_this, *of_trace)
        return Message(self._topic, self._key, value, headers)
