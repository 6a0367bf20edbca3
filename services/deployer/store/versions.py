"""Model versions as they grow: files come after the version, until it is deployed."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from libs.schemas.ids import derived
from libs.schemas.values import ModelFile
from libs.store.session import Read, Tx
from services.deployer.errors import VersionUnknown
from services.deployer.store.models import Version, tell_version, version_of_row
from services.deployer.tables import model_version, rollout


async def lock(tx: Tx, organization: UUID, version: UUID) -> Version:
    """A model version, its row locked until the transaction ends. Raises VersionUnknown."""
    row = await tx.first(
        select(model_version)
        .where(model_version.c.organization == organization, model_version.c.id == version)
        .with_for_update()
    )
    if row is None:
        raise VersionUnknown(version)
    return version_of_row(row)


async def change(tx: Tx, of: Version, **values: Any) -> Version:
    """Change a version whose row is locked, and tell it."""
    if "files" in values:
        values["files"] = msgspec.to_builtins(values["files"])
    changed = await tx.execute(
        update(model_version)
        .where(model_version.c.organization == of.organization, model_version.c.id == of.id)
        .values(revision=model_version.c.revision + 1, **values)
        .returning(model_version)
    )
    version = version_of_row(changed.mappings().one())
    await tell_version(tx, version)
    return version


async def ever_deployed(read: Read, organization: UUID, version: UUID) -> bool:
    """Whether it was champion or shadow of any deployment, ever."""
    return (
        await read.scalar(
            select(rollout.c.id)
            .where(rollout.c.organization == organization, rollout.c.version == version)
            .limit(1)
        )
        is not None
    )


async def with_file(read: Read, organization: UUID, file: UUID) -> tuple[UUID, ModelFile] | None:
    """The version that has the file of this id, and the file: all are looked through."""
    rows = await read.all(
        select(model_version.c.id, model_version.c.files).where(
            model_version.c.organization == organization
        )
    )
    for row in rows:
        for one in row["files"]:
            if file_id(row["id"], one["name"]) == file:
                return row["id"], msgspec.convert(one, ModelFile)
    return None


def file_id(version: UUID, name: str) -> UUID:
    """A file of a version, as the existing client knows it."""
    return derived("model file", version, name)
