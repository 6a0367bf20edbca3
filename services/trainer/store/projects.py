"""Projects."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.ids import uuid7
from libs.store.session import Read, Tx
from services.trainer.errors import ProjectExists
from services.trainer.tables import project


async def add_project(tx: Tx, organization: UUID, name: str) -> RowMapping:
    """A new project. Raises ProjectExists."""
    now = tx.clock.now()
    made = await tx.execute(
        insert(project)
        .values(id=uuid7(now), organization=organization, name=name, created=now)
        .on_conflict_do_nothing(constraint="project_named_once")
        .returning(project)
    )
    row = made.mappings().first()
    if row is None:
        raise ProjectExists(f"there is a project named {name!r} already")
    return row


async def find_project(read: Read, organization: UUID, project_id: UUID) -> RowMapping | None:
    """A project."""
    return await read.first(
        select(project).where(project.c.organization == organization, project.c.id == project_id)
    )


async def project_named(read: Read, organization: UUID, name: str) -> RowMapping | None:
    """A project by its name."""
    return await read.first(
        select(project).where(project.c.organization == organization, project.c.name == name)
    )


async def list_projects(
    read: Read, organization: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit + 1` projects, newest first, before a (time, id)."""
    query = select(project).where(project.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(project.c.created, project.c.id) < before)
    order = (project.c.created.desc(), project.c.id.desc())
    return await read.all(query.order_by(*order).limit(limit + 1))


async def lock_project(tx: Tx, organization: UUID, project_id: UUID) -> RowMapping | None:
    """A project, its row locked until the transaction ends."""
    return await tx.first(
        select(project)
        .where(project.c.organization == organization, project.c.id == project_id)
        .with_for_update()
    )


async def rename_project(tx: Tx, organization: UUID, project_id: UUID, name: str) -> None:
    """Give a project another name. Raises ProjectExists."""
    other = await project_named(tx, organization, name)
    if other is not None and other["id"] != project_id:
        raise ProjectExists(f"there is a project named {name!r} already")
    await tx.execute(
        update(project)
        .where(project.c.organization == organization, project.c.id == project_id)
        .values(name=name)
    )


async def name_datasets(
    tx: Tx, organization: UUID, project_id: UUID, versions: Sequence[UUID]
) -> None:
    """The dataset versions that a project names."""
    await tx.execute(
        update(project)
        .where(project.c.organization == organization, project.c.id == project_id)
        .values(dataset_versions=list(versions))
    )
