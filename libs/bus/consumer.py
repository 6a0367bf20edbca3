"""A consumer, declared: which events, which functions, and what a function may answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from libs.bus.driver import Record
from libs.schemas.envelope import Event, Received
from libs.schemas.topics import Topic
from libs.store.session import Cause, Tx


@dataclass(frozen=True, slots=True)
class Ok:
    """Handled."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Not for us, or too late to matter: counted by `reason`, not an error."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Not yet: the partition waits and the record comes again. It blocks what is behind it."""

    after: timedelta


@dataclass(frozen=True, slots=True)
class Dead:
    """Never: to the dead letters, with `reason`."""

    reason: str


Outcome = Ok | Drop | Retry | Dead
OK = Ok()


@dataclass(frozen=True, slots=True)
class Died:
    """A record of a handler's event type that is given up, and why.

    `received` is None where the record could not be read as its event; its bytes are in `record`.
    """

    record: Record
    reason: str
    received: Received[Any] | None


E = TypeVar("E", bound=Event)
BatchFunction = Callable[[Tx, Sequence[Received[Any]]], Awaitable[Sequence[Outcome]]]
DeadFunction = Callable[[Tx, Sequence[Died]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handler:
    """A function for one event type, called with a run of events of one partition in order.

    `inbox` False: the function itself is idempotent by the key of the row that it makes.
    `repeats` True: it gets events told again too, even those of one batch (books count them).

    `on_dead` counts what died where books are kept. Its transaction is the handler's own where
    the handler answered `Dead` (what else it wrote stays), a new one where the handler raised or
    the record could not be read; the dead letters are durable before it commits, the offset is
    committed after. So it is called for every record that dies, and again for one that comes
    again because an acknowledgement, a commit or an offset was lost: count by a key of the event.
    A replay that dies is told too (`received.replayed`). It must not raise for a record's sake:
    what is no passing fault stops the consumer as the breaker does.
    """

    event: type[Event]
    function: BatchFunction
    inbox: bool = True
    repeats: bool = False
    on_dead: DeadFunction | None = None


def batch(
    event: type[E],
    function: Callable[[Tx, Sequence[Received[E]]], Awaitable[Sequence[Outcome]]],
    *,
    inbox: bool = True,
    repeats: bool = False,
    on_dead: DeadFunction | None = None,
) -> Handler:
    """Handle events of a type together, in one transaction; one outcome for each."""
    return Handler(event, function, inbox, repeats, on_dead)


def each(
    event: type[E],
    function: Callable[[Tx, Received[E]], Awaitable[Outcome]],
    *,
    inbox: bool = True,
    on_dead: DeadFunction | None = None,
) -> Handler:
    """Handle events of a type one by one, in the transaction of their batch.

    What each call emits names that call's event as its cause.
    """

    async def one_by_one(tx: Tx, events: Sequence[Received[E]]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for received in events:
            tx.cause = Cause(actor=received.meta.actor, causation=received.meta.id)
            outcome = await function(tx, received)
            outcomes.append(outcome)
            if isinstance(outcome, Retry):
                break
        return outcomes

    return Handler(event, one_by_one, inbox, on_dead=on_dead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a runner reads and how it gives up.

    `parallel`: batches (of different partitions) that are handled at a time. Each holds a
    connection of the service's pool, which its other consumers and its API need too.
    The breaker opens when at least `breaker_minimum` of the last `breaker_window` records
    were handled and more than `breaker_share` of them died.
    """

    batch: int = 500
    parallel: int = 2
    wait: timedelta = timedelta(seconds=2)
    backoff: timedelta = timedelta(milliseconds=200)
    backoff_limit: timedelta = timedelta(seconds=30)
    handler_limit: timedelta = timedelta(seconds=120)
    breaker_window: int = 100
    breaker_minimum: int = 20
    breaker_share: float = 0.5
    ready_lag: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A consumer group of a service: `<service>.<name>`."""

    name: str
    handlers: tuple[Handler, ...]
    policy: Policy = field(default_factory=Policy)

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics of its events, each once."""
        return tuple(dict.fromkeys(handler.event.topic for handler in self.handlers))
