"""Which faults of the database pass by themselves."""

import asyncio

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from libs.schemas.faults import Transient

# Classes of SQLSTATE: connection lost, transaction rolled back (serialization, deadlock),
# out of resources, operator intervention (shutdown, cancel), system error, lock not available.
_TRANSIENT_CLASSES = ("08", "40", "53", "57", "58", "55P03")
_STALE_PLAN = "InvalidCachedStatementError"


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed when tried again.

    Another process's DDL makes a prepared statement stale once ("cached statement plan is
    invalid"): the next try prepares it anew.
    """
    if isinstance(error, Transient | PoolTimeout | ConnectionError | TimeoutError | OSError):
        return True
    if is_cut(error):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError):
            return True
        cause = error.orig.__cause__ if error.orig is not None else None
        state = getattr(error.orig, "sqlstate", None) or ""
        return type(cause).__name__ == _STALE_PLAN or state.startswith(_TRANSIENT_CLASSES)
    return False


def is_cut(error: BaseException) -> bool:
    """Whether something was written to a connection that had just been lost, in uvloop's words:
    where asyncio says nothing, it raises a plain RuntimeError until the loss has been told."""
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)


def is_unstorable(error: BaseException) -> bool:
    """Whether a text holds the character NUL, which PostgreSQL stores in no text and no JSON."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state in ("22021", "22P05")


def keep_cancelled(fault: Exception) -> None:
    """Raise CancelledError where the task is being cancelled: `fault` came in its place.

    A cancellation that meets a connection that has just broken arrives as the connection's error.
    Whoever waits until that passes would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from fault
