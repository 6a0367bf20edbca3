"""Opening the bus that an address names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.bus.driver import Bus
from libs.store.clock import Clock


class UnknownBus(ValueError):
    """An address that names no bus driver."""


@asynccontextmanager
async def open_bus(url: str, *, clock: Clock, instance: str | None = None) -> AsyncIterator[Bus]:
    """The bus at `kafka://host:port[,host:port]`, `postgresql+asyncpg://…` or `memory://`.

    `instance`: this process's place. One that is opened in it takes the partitions of its
    predecessor over at once; of two at a time each puts the other out. Of no use but to Kafka: the
    embedded log sees that a process is gone.

    Raises BusUnavailable, or UnknownBus for another scheme.
    """
    match url.partition("://")[0]:
        case "kafka":
            from libs.bus.kafka import open_kafka  # noqa: PLC0415 - an optional dependency

            async with open_kafka(url, clock=clock, instance=instance) as kafka:
                yield kafka
        case "postgresql+asyncpg":
            from libs.bus.postgres import open_postgres  # noqa: PLC0415 - only where it is used

            async with open_postgres(url, clock=clock) as log:
                yield log
        case "memory":
            from libs.bus.memory import MemoryBus  # noqa: PLC0415 - only where it is used

            yield MemoryBus(clock=clock)
        case scheme:
            raise UnknownBus(f"no bus driver is named {scheme!r}: kafka, postgresql+asyncpg")
