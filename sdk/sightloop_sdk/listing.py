"""Lists of any length, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sightloop_sdk.errors import MissingExtra, NotThere

if TYPE_CHECKING:
    from sightloop_sdk.calls import Ask, Page
    from sightloop_sdk.transport import AsyncTransport, Transport

T = TypeVar("T")
Asking = Callable[["str | None"], "Ask[Page[T]]"]


class Listing(Generic[T]):
    """A list of the server: iterate over it; pages are fetched as they are reached."""

    def __init__(
        self, transport: Transport, ask: Asking[T], *, row: Callable[[T], dict[str, Any]]
    ) -> None:
        self._transport = transport
        self._ask = ask
        self._row = row

    def __iter__(self) -> Iterator[T]:
        return pages(self._transport, self._ask)

    def first(self) -> T | None:
        """The first, or None."""
        return next(iter(self), None)

    def to_rows(self) -> list[dict[str, Any]]:
        """All of it, a flat dict each."""
        return [self._row(one) for one in self]

    def to_pandas(self) -> Any:
        """All of it as a pandas DataFrame. Raises MissingExtra."""
        try:
            import pandas as pd  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise MissingExtra(
                "this needs pandas: pip install 'sightloop-sdk[pandas]', or use to_rows()"
            ) from error
        return pd.DataFrame(self.to_rows())


def pages(transport: Transport, ask: Asking[T]) -> Iterator[T]:
    """The items of all pages."""
    cursor: str | None = None
    while True:
        page = transport.ask(ask(cursor))
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


async def apages(transport: AsyncTransport, ask: Asking[T]) -> AsyncIterator[T]:
    """The items of all pages, on an event loop."""
    cursor: str | None = None
    while True:
        page = await transport.ask(ask(cursor))
        for one in page.items:
            yield one
        cursor = page.next_cursor
        if cursor is None:
            return


def named(items: Iterator[T], name: object, what: str) -> T:
    """The item of a name. Raises NotThere, naming those that are near."""
    seen = []
    for one in items:
        own = str(getattr(one, "name"))  # noqa: B009  # the attribute is of any T
        if own == name:
            return one
        seen.append(own)
    raise missing(what, str(name), seen)


def missing(what: str, name: str, seen: list[str]) -> NotThere:
    """The error of a name that is not there."""
    known = ", ".join(repr(one) for one in seen[:10]) + (", …" if len(seen) > 10 else "")
    return NotThere(f"there is no {what} {name!r}; there is: {known or 'none yet'}")
