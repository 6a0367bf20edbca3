"""Deployments: their rows, and the event that tells each change in full."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from libs.schemas.events import DeploymentChanged, State
from libs.schemas.ids import uuid7
from libs.schemas.values import DeployedModel, TaskType
from libs.store.session import Read, Tx
from services.deployer.core.policy import Delivery, Policy
from services.deployer.errors import DeploymentUnknown, NameTaken
from services.deployer.store.models import Version, find_versions
from services.deployer.tables import deployment, loading


class Former(msgspec.Struct, frozen=True, kw_only=True):
    """A champion of before, at its threshold then."""

    version: UUID
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment as its row says. `formers`: champions before this one, the latest last."""

    id: UUID
    organization: UUID
    revision: int
    name: str
    type: TaskType
    state: State
    champion: UUID
    champion_threshold: float
    shadow: UUID | None
    shadow_threshold: float | None
    formers: list[Former]
    sample_rate: float
    retention_days: int | None
    delivery_active: bool
    delivery_policy: Delivery
    verdict: Policy
    created: datetime


async def add(
    tx: Tx,
    organization: UUID,
    *,
    name: str,
    champion: Version,
    threshold: float,
    sample_rate: float,
    retention_days: int | None,
    verdict: Policy,
) -> Deployment:
    """Make a deployment; nothing is told yet (`tell`). Raises NameTaken."""
    now = tx.clock.now()
    row = {
        "id": uuid7(now),
        "organization": organization,
        "name": name,
        "type": champion.type,
        "state": State.ACTIVE,
        "champion": champion.id,
        "champion_threshold": threshold,
        "sample_rate": sample_rate,
        "retention_days": retention_days,
        "delivery_active": False,
        "delivery_policy": Delivery.MANUAL,
        "verdict": msgspec.to_builtins(verdict),
        "created": now,
    }
    try:
        made = await tx.execute(insert(deployment).values(row).returning(deployment))
    except IntegrityError as error:
        raise NameTaken("deployment", name) from error
    return _deployment(made.mappings().one())


async def find(read: Read, organization: UUID, deployment_id: UUID) -> Deployment:
    """A deployment. Raises DeploymentUnknown."""
    return await _find(read, organization, deployment_id, lock=False)


async def lock(tx: Tx, organization: UUID, deployment_id: UUID) -> Deployment:
    """A deployment, held until the transaction ends. Raises DeploymentUnknown."""
    return await _find(tx, organization, deployment_id, lock=True)


async def listed(
    read: Read, organization: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Deployment]:
    """Deployments, newest first, one more than `limit`."""
    query = select(deployment).where(
        deployment.c.organization == organization, deployment.c.state == State.ACTIVE
    )
    if before is not None:
        query = query.where(tuple_(deployment.c.created, deployment.c.id) < before)
    query = query.order_by(deployment.c.created.desc(), deployment.c.id.desc())
    return [_deployment(row) for row in await read.all(query.limit(limit + 1))]


async def change(tx: Tx, before: Deployment, **values: Any) -> Deployment:
    """Change a locked deployment's row and raise its revision. Raises NameTaken."""
    if "formers" in values:
        values["formers"] = msgspec.to_builtins(values["formers"])
    if "verdict" in values:
        values["verdict"] = msgspec.to_builtins(values["verdict"])
    statement = (
        update(deployment)
        .where(deployment.c.id == before.id, deployment.c.organization == before.organization)
        .values(revision=deployment.c.revision + 1, **values)
        .returning(deployment)
    )
    try:
        changed = await tx.execute(statement)
    except IntegrityError as error:
        raise NameTaken("deployment", str(values.get("name"))) from error
    return _deployment(changed.mappings().one())


async def tell(tx: Tx, now: Deployment) -> None:
    """Tell a deployment in full, at the revision that this transaction gave it."""
    versions = await find_versions(
        tx, now.organization, [now.champion, *([now.shadow] if now.shadow else [])]
    )
    shadow = None
    if now.shadow is not None:
        shadow = _deployed(versions[now.shadow], now.shadow_threshold or 0.0)
    await tx.emit(
        DeploymentChanged(
            deployment=now.id,
            revision=now.revision,
            name=now.name,
            type=now.type,
            state=now.state,
            champion=_deployed(versions[now.champion], now.champion_threshold),
            shadow=shadow,
            sample_rate=now.sample_rate,
            retention_days=now.retention_days,
        ),
        organization=now.organization,
    )


async def record_loading(
    tx: Tx, organization: UUID, deployment_id: UUID, *, role: str, version: UUID, error: str | None
) -> None:
    """Keep what serving said last of a model in a role."""
    row = insert(loading).values(
        deployment=deployment_id,
        role=role,
        organization=organization,
        version=version,
        error=error,
        time=tx.clock.now(),
    )
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=[loading.c.deployment, loading.c.role],
            set_={
                "version": row.excluded.version,
                "error": row.excluded.error,
                "time": row.excluded.time,
            },
        )
    )


async def loading_errors(
    read: Read, organization: UUID, deployments: list[UUID]
) -> dict[tuple[UUID, UUID], str]:
    """Why serving could not load a version, by (deployment, version)."""
    rows = await read.all(
        select(loading).where(
            loading.c.organization == organization,
            loading.c.deployment.in_(deployments),
            loading.c.error.is_not(None),
        )
    )
    return {(row["deployment"], row["version"]): row["error"] for row in rows}


async def _find(read: Read, organization: UUID, deployment_id: UUID, *, lock: bool) -> Deployment:
    query = select(deployment).where(
        deployment.c.organization == organization,
        deployment.c.id == deployment_id,
        deployment.c.state == State.ACTIVE,
    )
    row = await read.first(query.with_for_update() if lock else query)
    if row is None:
        raise DeploymentUnknown(deployment_id)
    return _deployment(row)


def _deployment(row: RowMapping) -> Deployment:
    values = dict(row)
    values["type"] = TaskType(values["type"])
    values["state"] = State(values["state"])
    values["delivery_policy"] = Delivery(values["delivery_policy"])
    values["formers"] = msgspec.convert(values["formers"], list[Former])
    values["verdict"] = msgspec.convert(values["verdict"], Policy)
    return Deployment(**values)


def _deployed(version: Version, threshold: float) -> DeployedModel:
    return DeployedModel(
        version=version.id,
        model=version.model,
        name=version.name,
        number=version.number,
        threshold=threshold,
        labels=version.labels,
        onnx=version.onnx,
        trained_on=version.trained_on,
    )
