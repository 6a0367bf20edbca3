"""Kafka's faults in the bus's words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import errors

from libs.bus.driver import BusUnavailable
from libs.store.faults import is_cut, keep_cancelled

# Trying again cannot help: the message or our rights are wrong, not the broker.
_LASTING = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTopicError,
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.IllegalArgumentError,
)


@asynccontextmanager
async def unavailable(doing: str, *, seconds: float) -> AsyncIterator[None]:
    """Give the block `seconds`; faults that pass by themselves become BusUnavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except _LASTING:
        raise
    except (errors.KafkaError, OSError, TimeoutError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not (
            isinstance(error, errors.KafkaError) or is_cut(error)
        ):
            raise
        keep_cancelled(error)
        reason = str(error) or type(error).__name__
        raise BusUnavailable(f"Kafka failed {doing}: {reason}") from error
