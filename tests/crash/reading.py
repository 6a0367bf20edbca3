"""The platform, read from outside: what it says of a deployment once all is quiet."""

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any

import httpx

from tests.crash.world import FEEDBACK, INGEST, METRICS, REVIEW, TRAINER
from tests.support.platform import environment_of

_PAGE = 200
_TRIES = 20


class Unanswered(Exception):
    """The platform does not answer a reader, though nothing is broken any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What is said of a deployment in numbers."""

    books: dict[str, Any]
    counted: int
    charted: int
    counts: dict[str, int]
    version: dict[str, Any]
    training: dict[str, Any]
    experiments: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads over HTTP, as a client may; tries again while the platform finds its feet."""

    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path."""
        return (await self.answer(path, **query)).json()

    async def answer(self, path: str, **query: Any) -> httpx.Response:
        """A successful answer. Raises Unanswered."""
        said = ""
        for _ in range(_TRIES):
            try:
                found = await self.http.get(path, params=query)
            except httpx.HTTPError as error:
                said = repr(error)
            else:
                if found.is_success:
                    return found
                said = f"{found.status_code} {found.text[:300]}"
            await asyncio.sleep(0.5)
        raise Unanswered(f"{path}: {said}")

    async def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=_PAGE, **query, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    async def numbers(self, deployment: str, version: str) -> Numbers:
        """The numbers of a deployment and of the dataset version that it feeds."""
        dashboard = await self.get(f"{METRICS}/deployments/{deployment}/dashboard")
        return Numbers(
            books=await self.get(f"{INGEST}/deployments/{deployment}/ledger"),
            counted=dashboard["predictions"],
            charted=sum(dashboard["volume"]),
            counts=await self.get(f"{REVIEW}/deployments/{deployment}/counts"),
            version=await self.get(f"{FEEDBACK}/versions/{version}"),
            training=await self.get(f"{FEEDBACK}/deployments/{deployment}/training"),
            experiments=await self.pages(f"{TRAINER}/experiments", deployment=deployment),
        )


async def dead_letters(bus_url: str) -> str:
    """What the command line says of dead letters."""
    command = [sys.executable, "-P", "-m", "sightloop", "dlq", "list"]
    listing = await asyncio.create_subprocess_exec(
        *command,
        env=environment_of(SIGHTLOOP_BUS_URL=bus_url),
        cwd=os.path.sep,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await listing.communicate()
    return said.decode(errors="replace").strip()
