"""Settling a version: its content as an immutable manifest, told with its digest."""

import asyncio
import hashlib
from uuid import UUID

from sqlalchemy import RowMapping

from libs.schemas.manifest import Manifest, read_manifest, write_manifest
from libs.schemas.values import TaskType
from services.feedback.core import contents
from services.feedback.errors import NotSettled
from services.feedback.parts import Feedback
from services.feedback.store import assets, datasets

_TRIES = 5


async def settle(parts: Feedback, organization: UUID, version: UUID) -> None:
    """Write the manifest of what a version holds now, and tell it where it differs.

    Nothing happens where somebody else settles a later content meanwhile. Raises VersionUnknown.
    """
    async with parts.database.read() as read:
        # The counter first: assets may then be newer than it says, never older.
        row = await datasets.find_version(read, organization, version)
        rows = await assets.contents(read, organization, version)
    settled, data = await asyncio.to_thread(_manifest, organization, row, rows)
    await parts.blobs.put(settled.manifest, data, content_type="application/gzip")
    async with parts.database.begin() as tx:
        await datasets.write_settled(tx, organization, version, settled)


async def settled_manifest(parts: Feedback, organization: UUID, version: UUID) -> Manifest:
    """What a version holds now. Raises VersionUnknown, NotSettled."""
    row = await settled_version(parts, organization, version)
    data = await parts.blobs.get(row["manifest"])
    return await asyncio.to_thread(read_manifest, data)


async def settled_version(parts: Feedback, organization: UUID, version: UUID) -> RowMapping:
    """A version's row once its content has settled. Raises VersionUnknown, NotSettled."""
    for _ in range(_TRIES):
        async with parts.database.read() as read:
            row = await datasets.find_version(read, organization, version)
        if row["settled"] == row["content"]:
            return row
        await settle(parts, organization, version)
    raise NotSettled("the dataset version is being changed; try again")


def _manifest(
    organization: UUID, row: RowMapping, rows: list[RowMapping]
) -> tuple[datasets.Settled, bytes]:
    held = [assets.manifest_asset(one) for one in rows]
    header, data = write_manifest(
        row["id"], held, type=TaskType(row["type"]), labels=list(row["labels"])
    )
    # Named by its bytes: the same digest may come with other file names, labels or blocks.
    name = f"{hashlib.sha256(data).hexdigest()}.jsonl.gz"
    return (
        datasets.Settled(
            content=row["content"],
            digest=header.digest,
            manifest=f"feedback/{organization}/manifests/{row['id']}/{name}",
            counts=contents.count(held, row["labels"]),
        ),
        data,
    )
