"""Models and their versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import ModelVersionChanged, State
from libs.schemas.ids import uuid7
from libs.schemas.values import ModelFile, TaskType, TrainedOn
from libs.store.session import Read, Tx
from services.deployer.errors import ModelUnknown, NameTaken, VersionUnknown
from services.deployer.tables import model, model_version

LATEST = "model-latest"
ONNX = "ONNX"
ELSEWHERE = "NOT_CONFIGURED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A model version to be. `id` is derived where its cause may be told twice."""

    id: UUID
    model: UUID
    name: str | None
    framework: str
    labels: list[str]
    files: list[ModelFile]
    threshold: float
    parameters: dict[str, Any] = field(default_factory=dict)
    trained_on: list[TrainedOn] = field(default_factory=list)
    experiment: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A model version."""

    id: UUID
    organization: UUID
    model: UUID
    number: int
    revision: int
    name: str
    type: TaskType
    framework: str
    labels: list[str]
    files: list[ModelFile]
    parameters: dict[str, Any]
    trained_on: list[TrainedOn]
    threshold: float
    experiment: UUID | None
    created: datetime

    @property
    def onnx(self) -> ModelFile | None:
        """The file that serving runs; a version that runs elsewhere has another kind, or none."""
        if self.framework != ONNX:
            return None
        return next((file for file in self.files if file.name == LATEST), None)

    @property
    def shown(self) -> str:
        """As sentences name it."""
        return f"v{self.number}"


async def add_model(
    tx: Tx, organization: UUID, *, name: str, type: TaskType, id: UUID | None = None  # noqa: A002
) -> RowMapping:  # fmt: skip
    """Make a model. Raises NameTaken."""
    now = tx.clock.now()
    made = await tx.execute(
        insert(model)
        .values(id=id or uuid7(now), organization=organization, name=name, type=type, created=now)
        .on_conflict_do_nothing(constraint="model_named_once")
        .returning(model)
    )
    row = made.mappings().first()
    if row is None:
        raise NameTaken("model", name)
    return row


async def find_model(read: Read, organization: UUID, model_id: UUID) -> RowMapping:
    """A model's row. Raises ModelUnknown."""
    row = await read.first(
        select(model).where(model.c.id == model_id, model.c.organization == organization)
    )
    if row is None:
        raise ModelUnknown(model_id)
    return row


async def rename_model(tx: Tx, organization: UUID, model_id: UUID, name: str) -> RowMapping:
    """Give a model another name. Raises ModelUnknown, NameTaken."""
    held = await tx.scalar(
        select(model.c.id).where(
            model.c.organization == organization, model.c.name == name, model.c.id != model_id
        )
    )
    if held is not None:
        raise NameTaken("model", name)
    changed = await tx.execute(
        update(model)
        .where(model.c.id == model_id, model.c.organization == organization)
        .values(name=name)
        .returning(model)
    )
    row = changed.mappings().first()
    if row is None:
        raise ModelUnknown(model_id)
    return row


async def list_models(
    read: Read, organization: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    """Models, newest first, one more than `limit`."""
    query = select(model).where(model.c.organization == organization)
    if before is not None:
        query = query.where(tuple_(model.c.created, model.c.id) < before)
    query = query.order_by(model.c.created.desc(), model.c.id.desc())
    return await read.all(query.limit(limit + 1))


async def add_version(tx: Tx, organization: UUID, new: NewVersion) -> tuple[Version, bool]:
    """Make a model version with the model's next number and tell it.

    The same id again: the version that is there, and False. Raises ModelUnknown.
    """
    locked = await tx.first(
        select(model)
        .where(model.c.id == new.model, model.c.organization == organization)
        .with_for_update()
    )
    if locked is None:
        raise ModelUnknown(new.model)
    existing = await find_versions(tx, organization, [new.id])
    if existing:
        return existing[new.id], False
    number = locked["versions"] + 1
    await tx.execute(update(model).where(model.c.id == new.model).values(versions=number))
    made = await tx.execute(
        insert(model_version)
        .values(
            id=new.id,
            organization=organization,
            model=new.model,
            number=number,
            name=new.name or locked["name"],
            type=locked["type"],
            framework=new.framework,
            labels=new.labels,
            files=msgspec.to_builtins(new.files),
            parameters=new.parameters,
            trained_on=msgspec.to_builtins(new.trained_on),
            threshold=new.threshold,
            experiment=new.experiment,
            created=tx.clock.now(),
        )
        .returning(model_version)
    )
    version = version_of_row(made.mappings().one())
    await tell_version(tx, version)
    return version, True


async def find_version(read: Read, organization: UUID, version: UUID) -> Version:
    """A model version. Raises VersionUnknown."""
    found = await find_versions(read, organization, [version])
    if not found:
        raise VersionUnknown(version)
    return found[version]


async def find_versions(
    read: Read, organization: UUID, versions: Iterable[UUID]
) -> dict[UUID, Version]:
    """Those of the versions that there are."""
    rows = await read.all(
        select(model_version).where(
            model_version.c.organization == organization, model_version.c.id.in_(set(versions))
        )
    )
    return {row["id"]: version_of_row(row) for row in rows}


async def list_versions(
    read: Read,
    organization: UUID,
    model_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Version]:
    """A model's versions, newest first, one more than `limit`."""
    query = select(model_version).where(
        model_version.c.organization == organization, model_version.c.model == model_id
    )
    if before is not None:
        query = query.where(tuple_(model_version.c.created, model_version.c.id) < before)
    query = query.order_by(model_version.c.created.desc(), model_version.c.id.desc())
    return [version_of_row(row) for row in await read.all(query.limit(limit + 1))]


def version_of_row(row: RowMapping) -> Version:
    """A model version of its row."""
    values = dict(row)
    values["type"] = TaskType(values["type"])
    values["files"] = msgspec.convert(values["files"], list[ModelFile])
    values["trained_on"] = msgspec.convert(values["trained_on"], list[TrainedOn])
    return Version(**values)


async def tell_version(tx: Tx, version: Version) -> None:
    """Tell a model version in full."""
    await tx.emit(
        ModelVersionChanged(
            model_version=version.id,
            model=version.model,
            revision=version.revision,
            name=version.name,
            number=version.number,
            type=version.type,
            framework=version.framework,
            state=State.ACTIVE,
            labels=version.labels,
            files=version.files,
            parameters=version.parameters,
            trained_on=version.trained_on,
            experiment=version.experiment,
        ),
        organization=version.organization,
    )
