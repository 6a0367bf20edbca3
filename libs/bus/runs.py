"""What lies in a batch of records: events with their handlers, in runs."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from libs.bus import metrics
from libs.bus.consumer import Died, Handler
from libs.bus.dead_letters import REPLAY_FOR
from libs.bus.driver import Partition, Record
from libs.schemas.envelope import (
    Event,
    MalformedEvent,
    Received,
    UnknownEventType,
    decode,
)


class Item(msgspec.Struct, frozen=True):
    """A record to handle: an event with its handler, or why it is none."""

    record: Record
    handler: Handler | None
    received: Received[Event] | None
    fault: MalformedEvent | None = None

    @property
    def place(self) -> tuple[Partition, int]:
        return self.record.partition, self.record.offset

    def died(self, reason: str) -> Died:
        """The record, given up."""
        return Died(self.record, reason, self.received)


class Runs:
    """Reads batches for one consumer group. `types`: the event types that this release knows."""

    def __init__(
        self, group: str, handlers: Mapping[str, Handler], *, types: Collection[str]
    ) -> None:
        self._group = group
        self._handlers = handlers
        self._types = types

    def read(self, records: Sequence[Record]) -> list[list[Item]]:
        """Neighbours with the same handler together, a record that is no event alone.

        Records of no concern to the group are left out.
        """
        runs: list[list[Item]] = []
        for record in records:
            item = self._item(record)
            if item is None:
                continue
            last = runs[-1][0] if runs else None
            if last and item.received and last.received and last.handler is item.handler:
                runs[-1].append(item)
            else:
                runs.append([item])
        return runs

    def _item(self, record: Record) -> Item | None:
        headers = record.message.headers
        kind = addressee = None
        for name, value in headers:
            if name == "ce_type":
                kind = value.decode(errors="replace")
            elif name == REPLAY_FOR:
                addressee = value.decode(errors="replace")
        if addressee is not None and addressee != self._group:
            return None
        handler = self._handlers.get(kind) if kind else None
        if handler is None and kind in self._types:
            return None
        try:
            received = decode(headers, record.message.value)
        except UnknownEventType:
            metrics.DROPPED.labels(self._group, "unknown event type").inc()
            return None
        except MalformedEvent as error:
            return Item(record, handler, None, error)
        if addressee is not None:
            received = msgspec.structs.replace(received, replayed=True)
        return Item(record, handler, received)
