"""An uploaded image: checked, kept under its content, told."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.schemas.events import DataRegistered
from libs.schemas.ids import uuid7
from libs.schemas.values import Picture
from libs.store.session import Cause, Tx
from libs.vision.images import ImageRefused, inspect
from services.ingest import store
from services.ingest.actions.pictures import picture_key
from services.ingest.errors import UploadRefused
from services.ingest.parts import Ingest


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An image as it came. `filename` None: it is named after its content."""

    content: bytes
    filename: str | None
    source: str
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    custom_metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is said of an image. `tags`: each once."""

    filename: str
    source: str
    tags: list[str]
    metadata: dict[str, Any]
    custom_metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture that was looked at and lies in the blob store; no image has it yet."""

    picture: Picture
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Registered:
    """An image's row. `duplicate`: it was there before, with the same bytes."""

    row: RowMapping
    duplicate: bool


async def register(
    parts: Ingest, organization: UUID, actor: str, upload: Upload, *, once: bool = False
) -> Registered:
    """Keep and tell an image. `once`: bytes that the organisation has make no other image, the
    newest that has them is returned as it is. Raises UploadRefused.
    """
    kept = await keep(parts, organization, upload.content)
    about = About(
        filename=upload.filename or f"{kept.picture.sha256[:12]}",
        source=upload.source,
        tags=list(dict.fromkeys(upload.tags)),
        metadata=upload.metadata,
        custom_metadata=upload.custom_metadata,
    )
    async with parts.database.begin(Cause(actor=actor)) as tx:
        return await add(tx, organization, kept, about, once=once)


async def keep(parts: Ingest, organization: UUID, content: bytes) -> Kept:
    """Look at a picture and put it under its content. Raises UploadRefused."""
    limit = parts.settings.picture_limit
    if len(content) > limit:
        raise UploadRefused(f"the picture is larger than {limit} bytes", too_large=True)
    try:
        info = await asyncio.to_thread(inspect, content, max_pixels=parts.settings.pixel_limit)
    except ImageRefused as error:
        raise UploadRefused(str(error)) from error
    sha256 = hashlib.sha256(content).hexdigest()
    picture = Picture(
        key=picture_key(organization, sha256, str(info.format)),
        sha256=sha256,
        size=len(content),
        content_type=str(info.format),
    )
    await parts.blobs.put(picture.key, content, content_type=picture.content_type)
    return Kept(picture=picture, width=info.width, height=info.height)


async def add(
    tx: Tx, organization: UUID, kept: Kept, about: About, *, once: bool = False
) -> Registered:
    """Make an image of a kept picture and tell it. `once`: as in `register`; who adds several in
    a transaction adds them by their hashes in order, or two of them wait for one another."""
    picture, now = kept.picture, tx.clock.now()
    there = await store.data_of(tx, organization, picture.sha256, lock=True) if once else None
    if there is not None:
        return Registered(there, duplicate=True)
    row = await store.add_data(
        tx,
        {
            "id": uuid7(now),
            "organization": organization,
            "filename": about.filename,
            "content_type": picture.content_type,
            "width": kept.width,
            "height": kept.height,
            "source": about.source,
            "tags": about.tags,
            "metadata": about.metadata,
            "custom_metadata": about.custom_metadata,
            "picture_key": picture.key,
            "picture_sha256": picture.sha256,
            "picture_size": picture.size,
            "event_time": now,
            "receive_time": now,
        },
    )
    await tx.emit(
        DataRegistered(
            data=row["id"],
            filename=row["filename"],
            width=kept.width,
            height=kept.height,
            source=about.source,
            tags=row["tags"],
            picture=picture,
            event_time=now,
        ),
        organization=organization,
    )
    return Registered(row, duplicate=False)
