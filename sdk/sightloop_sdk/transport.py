"""Sending calls: one connection pool, bounded retries with back-off, errors by their type."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import msgspec

from sightloop_sdk.errors import ApiError, NotConfigured, SightloopError, Unreachable, error_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sightloop_sdk.calls import Ask, Call

T = TypeVar("T")
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_REFUSED_UNREAD = frozenset({429})


@dataclass(frozen=True)
class Retry:
    """How often a call is tried, and the pauses between: full jitter over a doubling bound.

    `attempts`: tries in all. `first`, `most`: the bound of the first pause and of any, seconds.
    """

    attempts: int = 5
    first: float = 0.2
    most: float = 5.0

    def pause(self, tried: int, asked: float | None = None) -> float:
        """Seconds to wait after `tried` tries; `asked`: what the server asked for."""
        bound = min(self.most, self.first * 2.0 ** min(tried - 1, 30))
        drawn = random.uniform(bound / 2, bound)  # noqa: S311  # spreads load, guards nothing
        return drawn if asked is None else max(drawn, min(asked, self.most * 6))


@dataclass(frozen=True, repr=False)
class Access:
    """Where the server is, and who asks. The token is not shown."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Access({self.url!r})"

    @staticmethod
    def find(url: str | None, token: str | None) -> Access:
        """What is given, else SIGHTLOOP_URL and SIGHTLOOP_TOKEN.

        Raises:
            NotConfigured: naming what is missing.
        """
        url = url or os.environ.get("SIGHTLOOP_URL")
        token = token or os.environ.get("SIGHTLOOP_TOKEN")
        if not url:
            raise NotConfigured("no address: give Client(url=…) or set SIGHTLOOP_URL")
        if not url.startswith(("http://", "https://")):
            raise NotConfigured(f"the address {url!r} does not begin with http:// or https://")
        if not token:
            raise NotConfigured("no token: give Client(token=…) or set SIGHTLOOP_TOKEN")
        return Access(url.rstrip("/"), token.strip())


class Transport:
    """Sends calls. Safe under threads; a forked child opens connections of its own."""

    def __init__(self, access: Access, *, timeout: float, retry: Retry) -> None:
        self.access = access
        self.retry = retry
        self._timeout = timeout
        self._http: httpx.Client | None = None
        self._process = 0

    def ask(self, ask: Ask[T]) -> T:
        """The answer. Raises ApiError, Unreachable."""
        return _read(ask, self.send(ask.call).content, self.access)

    def send(self, call: Call) -> httpx.Response:
        """Send a call until it is answered or the tries are used up."""
        tried = 0
        while True:
            tried += 1
            try:
                answer = self._client().request(**_arguments(call))
            except httpx.HTTPError as error:
                if tried >= self.retry.attempts or not _may_repeat(call, error):
                    raise _unreachable(self.access, error, tried) from error
                time.sleep(self.retry.pause(tried))
                continue
            if answer.is_success:
                return answer
            if tried >= self.retry.attempts or not _may_resend(call, answer.status_code):
                raise error_of(answer.status_code, answer.content)
            time.sleep(self.retry.pause(tried, retry_after(answer)))

    def rest(self, tried: int) -> None:
        """Pause after `tried` tries; 0: no pause."""
        if tried:
            time.sleep(self.retry.pause(tried))

    @contextlib.contextmanager
    def stream(self, call: Call) -> Iterator[httpx.Response]:
        """An answer that is read as it comes. Not tried again."""
        try:
            with self._client().stream(**_arguments(call)) as answer:
                if not answer.is_success:
                    raise error_of(answer.status_code, answer.read())
                yield answer
        except httpx.HTTPError as error:
            raise _unreachable(self.access, error, 1) from error

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        held, self._http = self._http, None
        if held is not None and self._process == os.getpid():
            held.close()

    def _client(self) -> httpx.Client:
        held = self._http
        if held is None or self._process != os.getpid():
            # A child of a fork must not speak on its parent's connections, nor close them.
            self._process = os.getpid()
            held = self._http = httpx.Client(**_options(self.access, self._timeout))
            # Who writes Client().deployment(…) has nothing to close.
            weakref.finalize(self, _close, held, self._process)
        return held


class AsyncTransport:
    """The same on an event loop."""

    def __init__(self, access: Access, *, timeout: float, retry: Retry) -> None:
        self.access = access
        self.retry = retry
        self._http = httpx.AsyncClient(**_options(access, timeout))

    async def ask(self, ask: Ask[T]) -> T:
        """The answer. Raises ApiError, Unreachable."""
        return _read(ask, (await self.send(ask.call)).content, self.access)

    async def send(self, call: Call) -> httpx.Response:
        """Send a call until it is answered or the tries are used up."""
        tried = 0
        while True:
            tried += 1
            try:
                answer = await self._http.request(**_arguments(call))
            except httpx.HTTPError as error:
                if tried >= self.retry.attempts or not _may_repeat(call, error):
                    raise _unreachable(self.access, error, tried) from error
                await asyncio.sleep(self.retry.pause(tried))
                continue
            if answer.is_success:
                return answer
            if tried >= self.retry.attempts or not _may_resend(call, answer.status_code):
                raise error_of(answer.status_code, answer.content)
            await asyncio.sleep(self.retry.pause(tried, retry_after(answer)))

    @contextlib.asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes. Not tried again."""
        try:
            async with self._http.stream(**_arguments(call)) as answer:
                if not answer.is_success:
                    raise error_of(answer.status_code, await answer.aread())
                yield answer
        except httpx.HTTPError as error:
            raise _unreachable(self.access, error, 1) from error

    async def close(self) -> None:
        await self._http.aclose()


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, where it says so in seconds."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", "")))
    except ValueError:
        return None


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed later, without anybody's doing."""
    if isinstance(error, ApiError):
        return error.status >= 500 or error.status == 429
    return isinstance(error, Unreachable)


def _read(ask: Ask[T], content: bytes, access: Access) -> T:
    try:
        return ask.read(content)
    except msgspec.MsgspecError as error:
        raise SightloopError(
            f"{access.url} did not answer as Sightloop does ({error}): "
            "check the address, and what stands between"
        ) from error


def _close(held: httpx.Client, process: int) -> None:
    if process == os.getpid():
        held.close()


def _options(access: Access, timeout: float) -> dict[str, Any]:
    return {
        "base_url": access.url,
        "headers": {"Authorization": f"Bearer {access.token}", "User-Agent": "sightloop-sdk"},
        "timeout": httpx.Timeout(timeout, connect=min(timeout, 10.0)),
    }


def _arguments(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {"method": call.method, "url": call.path, "params": dict(call.params)}
    headers = dict(call.headers)
    if call.content_type is not None:
        headers["Content-Type"] = call.content_type
    found["headers"] = headers
    if call.content is not None:
        found["content"] = call.content
    if call.files is not None:
        found["files"] = call.files()
        found["data"] = call.data
    if call.timeout is not None:
        found["timeout"] = call.timeout
    return found


def _may_repeat(call: Call, error: httpx.HTTPError) -> bool:
    return call.again or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))


def _may_resend(call: Call, status: int) -> bool:
    return status in (_TRY_AGAIN if call.again else _REFUSED_UNREAD)


def _unreachable(access: Access, error: httpx.HTTPError, tried: int) -> Unreachable:
    why = str(error) or type(error).__name__
    return Unreachable(
        f"{access.url} cannot be reached ({why}; tries: {tried}). Check the address and the network"
    )
