"""Requests as values: what is asked, apart from how it is sent. Both clients send the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Call:
    """An HTTP request. `again`: sending it twice has the effect of sending it once.

    `files`: made anew for each try, as httpx takes them. `timeout`: seconds, None: the client's.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str | None = None
    files: Callable[[], Mapping[str, Any]] | None = None
    data: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    timeout: float | None = None


@dataclass(frozen=True)
class Ask(Generic[T]):
    """A call, and what its answer is read as."""

    call: Call
    read: Callable[[bytes], T]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list. `next_cursor` None: the last part."""

    items: list[T]
    next_cursor: str | None = None


def get(path: str, kind: type[T], **params: Any) -> Ask[T]:
    """Ask for one thing."""
    return Ask(Call(method="GET", path=path, params=_given(params), again=True), _reader(kind))


def send(
    method: str,
    path: str,
    kind: type[T],
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    again: bool = False,
) -> Ask[T]:
    """Send a JSON body (None: no body)."""
    call = Call(
        method=method,
        path=path,
        content=None if body is None else msgspec.json.encode(body),
        content_type=None if body is None else "application/json",
        headers=headers or {},
        again=again,
    )
    return Ask(call, _reader(kind))


def upload(path: str, kind: type[T], *, files: Callable[[], Mapping[str, Any]],
           data: Mapping[str, Any] | None = None) -> Ask[T]:  # fmt: skip
    """Send a multipart form."""
    return Ask(Call(method="POST", path=path, files=files, data=data, timeout=600), _reader(kind))


def nothing(
    method: str, path: str, *, body: Any = None, again: bool = False, **params: Any
) -> Ask[None]:
    """Send, and expect no content."""
    call = Call(
        method=method,
        path=path,
        params=_given(params),
        content=None if body is None else msgspec.json.encode(body),
        content_type=None if body is None else "application/json",
        again=again or method == "DELETE",
    )
    return Ask(call, _read_nothing)


def page(path: str, kind: type[T], *, cursor: str | None = None, **params: Any) -> Ask[Page[T]]:
    """Ask for a part of a list."""
    call = Call(method="GET", path=path, params=_given({**params, "cursor": cursor}), again=True)
    return Ask(call, _reader(Page[kind]))  # type: ignore[valid-type]


def row(value: msgspec.Struct) -> dict[str, Any]:
    """A value as a flat row of a table."""
    return msgspec.structs.asdict(value)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _reader(kind: type[T]) -> Callable[[bytes], T]:
    return msgspec.json.Decoder(kind).decode


def _read_nothing(_: bytes) -> None:
    return None
