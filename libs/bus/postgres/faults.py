"""PostgreSQL's faults in the bus's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from libs.bus.driver import BusUnavailable
from libs.store.faults import is_cut, keep_cancelled

_PASSING = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InternalClientError,
    asyncpg.PostgresSystemError,
)


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Turn faults that pass by themselves into BusUnavailable; others are defects and stay."""
    try:
        yield
    except (*_PASSING, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_cut(error):
            raise
        keep_cancelled(error)
        reason = str(error) or type(error).__name__
        raise BusUnavailable(f"the embedded log failed {doing}: {reason}") from error
