"""Organisations, users, tokens, and the jobs of every service."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import JobChanged
from libs.store.session import Read, Tx
from services.gateway.tables import known_job, member, organization, token

Before = tuple[datetime, UUID] | None


async def organizations(read: Read) -> list[RowMapping]:
    """Every organisation, the first one first."""
    return await read.all(select(organization).order_by(organization.c.created))


async def find_organization(read: Read, organization_id: UUID) -> RowMapping | None:
    return await read.first(select(organization).where(organization.c.id == organization_id))


async def add_organization(tx: Tx, organization_id: UUID, name: str) -> bool:
    """False where one of this name is there already."""
    made = await tx.execute(
        insert(organization)
        .values(id=organization_id, name=name, created=tx.clock.now())
        .on_conflict_do_nothing()
        .returning(organization.c.id)
    )
    return made.first() is not None


async def add_token(tx: Tx, row: dict[str, Any]) -> bool:
    """Store a token's hash; False where it is known already."""
    made = await tx.execute(
        insert(token).values(row).on_conflict_do_nothing().returning(token.c.id)
    )
    return made.first() is not None


async def list_tokens(
    read: Read, organization_id: UUID, *, before: Before, limit: int
) -> list[RowMapping]:
    query = select(token).where(
        token.c.organization == organization_id, token.c.revoked.is_(other=False)
    )
    if before is not None:
        query = query.where(tuple_(token.c.created, token.c.id) < before)
    return await read.all(
        query.order_by(token.c.created.desc(), token.c.id.desc()).limit(limit + 1)
    )


async def revoke_token(tx: Tx, organization_id: UUID, token_id: UUID) -> bool:
    """False where there is no such token."""
    gone = await tx.execute(
        update(token)
        .where(token.c.id == token_id, token.c.organization == organization_id)
        .values(revoked=True)
        .returning(token.c.id)
    )
    return gone.first() is not None


async def is_revoked(read: Read, organization_id: UUID, token_id: UUID) -> bool:
    revoked = await read.scalar(
        select(token.c.revoked).where(
            token.c.id == token_id, token.c.organization == organization_id
        )
    )
    return bool(revoked)


async def revoke_tokens_of(tx: Tx, organization_id: UUID, member_id: UUID) -> Sequence[UUID]:
    """Revoke every token of a user; returns their ids."""
    gone = await tx.execute(
        update(token)
        .where(token.c.member == member_id, token.c.organization == organization_id)
        .values(revoked=True)
        .returning(token.c.id)
    )
    return [row[0] for row in gone]


async def list_members(
    read: Read, organization_id: UUID, *, before: Before, limit: int
) -> list[RowMapping]:
    query = select(member).where(member.c.organization == organization_id)
    if before is not None:
        query = query.where(tuple_(member.c.created, member.c.id) < before)
    return await read.all(
        query.order_by(member.c.created.desc(), member.c.id.desc()).limit(limit + 1)
    )


async def find_member(read: Read, organization_id: UUID, member_id: UUID) -> RowMapping | None:
    return await read.first(
        select(member).where(member.c.id == member_id, member.c.organization == organization_id)
    )


async def add_member(tx: Tx, row: dict[str, Any]) -> RowMapping | None:
    """None where the address is taken."""
    made = await tx.execute(insert(member).values(row).on_conflict_do_nothing().returning(member))
    return made.mappings().first()


async def delete_member(tx: Tx, organization_id: UUID, member_id: UUID) -> bool:
    gone = await tx.execute(
        delete(member)
        .where(member.c.id == member_id, member.c.organization == organization_id)
        .returning(member.c.id)
    )
    return gone.first() is not None


async def see_job(tx: Tx, organization_id: UUID, changed: JobChanged, time: datetime) -> None:
    """Keep the newest state of a job."""
    row = {
        "id": changed.job,
        "organization": organization_id,
        "service": changed.service,
        "kind": changed.kind,
        "subject": changed.subject,
        "state": changed.state,
        "done": changed.done,
        "total": changed.total,
        "message": changed.message,
        "attempt": changed.attempt,
        "error": changed.error,
        "revision": changed.revision,
        "changed": time,
    }
    statement = insert(known_job).values(row)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[known_job.c.id],
            set_={name: statement.excluded[name] for name in row if name != "id"},
            where=known_job.c.revision < statement.excluded.revision,
        )
    )


async def find_job(read: Read, organization_id: UUID, job_id: UUID) -> RowMapping | None:
    """A job as it was told last."""
    return await read.first(
        select(known_job).where(
            known_job.c.organization == organization_id, known_job.c.id == job_id
        )
    )


async def list_jobs(
    read: Read, organization_id: UUID, *, before: Before, limit: int
) -> list[RowMapping]:
    query = select(known_job).where(known_job.c.organization == organization_id)
    if before is not None:
        query = query.where(tuple_(known_job.c.changed, known_job.c.id) < before)
    return await read.all(
        query.order_by(known_job.c.changed.desc(), known_job.c.id.desc()).limit(limit + 1)
    )
