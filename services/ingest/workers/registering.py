"""The job that makes images of what lies in a place outside.

Page by page: read and keep pictures, then images, counts, errors and the position in one
transaction. A worker that is killed leaves at most pictures without an image; the next goes on
behind the last page, and counts nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import RowMapping

from libs.store.jobs import JobFailed
from libs.store.session import Cause
from libs.store.workers import JobRun
from services.ingest.actions.places import (
    Entry,
    Outside,
    PlaceRefuses,
    PlaceUnknown,
    Unreadable,
    open_place,
    place_of,
)
from services.ingest.actions.registering import About, Kept, add, keep
from services.ingest.errors import UploadRefused
from services.ingest.parts import Ingest
from services.ingest.store import registrations

_PAGE = 50
# Each holds a whole picture in memory.
_AT_ONCE = 4
# Those that are no pictures of ours are tried as well: their owner wants to hear why not.
_PICTURES = {
    ".avif", ".bmp", ".dng", ".gif", ".heic", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif",
    ".tiff", ".webp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be taken, and why."""

    name: str
    why: str


async def register_place(parts: Ingest, run: JobRun) -> None:
    """The job."""
    organization = run.job.organization
    async with parts.database.read() as read:
        row = await registrations.find(read, organization, run.job.id)
    if row is None:
        raise JobFailed("what was asked for is not known any more")
    try:
        place = place_of(parts.settings, organization, row["place"])
        async with open_place(place) as outside:
            await _register(parts, run, row, outside)
    except PlaceUnknown as error:
        raise JobFailed(f"{error}: the settings name it no more") from error
    except PlaceRefuses as error:
        raise JobFailed(str(error)) from error


async def _register(parts: Ingest, run: JobRun, row: RowMapping, outside: Outside) -> None:
    total = row["total"]
    if total is None:
        total = await _count(parts, run, row, outside)
    await run.progress(_done(row), total, _said(row))
    async for page in _pages(outside.entries(row["path"], after=row["position"])):
        run.check()
        row = await _take(parts, row, outside, page)
        # Files that have come since they were counted must not make it look done.
        await run.progress(_done(row), max(total, _done(row) + 1), _said(row))
    await run.progress(_done(row), _done(row), _said(row))


async def _count(parts: Ingest, run: JobRun, row: RowMapping, outside: Outside) -> int:
    total = 0
    async for page in _pages(outside.entries(row["path"], after="")):
        total += len(page)
        await run.progress(0, total + 1, f"{total} files found")
    if total == 0:
        raise JobFailed(f"nothing lies at {row['path'] or 'the place itself'!r}")
    async with parts.database.begin() as tx:
        await registrations.know_total(tx, row["organization"], row["id"], total)
    return total


async def _take(
    parts: Ingest, row: RowMapping, outside: Outside, page: Sequence[Entry]
) -> RowMapping:
    """Make images of a page; returns the registration as it is then."""
    organization: UUID = row["organization"]
    wanted = [one for one in page if PurePosixPath(one.name).suffix.lower() in _PICTURES]
    room = asyncio.Semaphore(_AT_ONCE)
    try:
        async with asyncio.TaskGroup() as group:
            looks = [_look(parts, organization, outside, one, room) for one in wanted]
            tasks = [group.create_task(look) for look in looks]
    except BaseExceptionGroup as faults:
        # One is enough to say whether it passes.
        raise faults.exceptions[0] from faults
    seen = [(one.name, task.result()) for one, task in zip(wanted, tasks, strict=True)]
    kept = [(name, found) for name, found in seen if isinstance(found, Kept)]
    added = 0
    async with parts.database.begin(Cause(actor=row["actor"])) as tx:
        for name, one in sorted(kept, key=lambda pair: pair[1].picture.sha256):
            about = About(
                filename=PurePosixPath(name).name,
                source=row["source"],
                tags=row["tags"],
                metadata={"reference": f"{row['place']}/{name}"},
            )
            made = await add(tx, organization, one, about, once=True)
            added += not made.duplicate
        moved = await registrations.advance(
            tx,
            row,
            position=page[-1].name,
            added=added,
            duplicates=len(kept) - added,
            passed_over=len(page) - len(wanted),
            errors=[(found.name, found.why) for _, found in seen if isinstance(found, Refused)],
        )
        if moved is None:
            raise JobFailed("another worker goes on with it")
    return moved


async def _look(
    parts: Ingest, organization: UUID, outside: Outside, entry: Entry, room: asyncio.Semaphore
) -> Kept | Refused:
    if entry.refused is not None:
        return Refused(entry.name, entry.refused)
    async with room:
        try:
            content = await outside.read(entry.name, limit=parts.settings.picture_limit)
            return await keep(parts, organization, content)
        except (Unreadable, UploadRefused) as error:
            return Refused(entry.name, str(error))


async def _pages(entries: AsyncIterator[Entry]) -> AsyncIterator[list[Entry]]:
    page: list[Entry] = []
    async for entry in entries:
        page.append(entry)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _done(row: RowMapping) -> int:
    return int(row["added"] + row["duplicates"] + row["passed_over"] + row["failed"])


def _said(row: RowMapping) -> str:
    said = f"{row['added']} images added"
    if row["duplicates"]:
        said += f", {row['duplicates']} were there"
    if row["failed"]:
        said += f", {row['failed']} could not be taken"
    return said
