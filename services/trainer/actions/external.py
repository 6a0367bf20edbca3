"""Experiments that run elsewhere: begun, steered and ended by a script of the user's own.

PENDING --first log or file--> RUNNING --> SUCCESS | FAILED | CANCELED
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.schemas.events import DatasetVersionChanged, ExperimentStatus, ModelVersionChanged
from libs.schemas.ids import uuid7
from libs.schemas.values import Artifact, ModelFile, TaskType
from libs.store.session import Cause, Read, Tx
from services.trainer.actions.asking import known
from services.trainer.core.logs import LABELMAP, PARAMETERS, LogType
from services.trainer.errors import (
    DatasetVersionNotSettled,
    ExperimentEnded,
    ExperimentRefused,
    ExperimentUnknown,
    NotExternal,
    ProjectUnknown,
)
from services.trainer.parts import Trainer
from services.trainer.store import experiments, logs, projects
from services.trainer.store.artifacts import as_document
from services.trainer.store.experiments import Asked, Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An experiment that is to run elsewhere. `datasets`: dataset versions by alias."""

    name: str
    description: str = ""
    datasets: Sequence[tuple[str, UUID]] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    labels: Sequence[str] = ()
    base_version: UUID | None = None
    base_experiment: UUID | None = None


async def begin(
    parts: Trainer, organization: UUID, *, actor: str, project: UUID, begun: Begun
) -> RowMapping:
    """Make an experiment that runs elsewhere. Labels and parameters are those of its base, unless
    it has its own.

    Raises:
        ProjectUnknown, ExperimentRefused, DatasetVersionNotSettled.
    """
    aliases = [alias for alias, _ in begun.datasets]
    for at, alias in enumerate(aliases):
        if alias in aliases[:at]:
            raise _refused(f"datasets[{at}].alias", f"{alias!r} is there twice")
    datasets = [
        await dataset(parts, organization, version, alias=alias, where=f"datasets[{at}]")
        for at, (alias, version) in enumerate(begun.datasets)
    ]
    base = await base_of(parts, organization, begun.base_version)
    labels = list(begun.labels) or (list(base.labels) if base is not None else [])
    parameters = begun.parameters or (base.parameters if base is not None else {})
    async with parts.database.begin(Cause(actor=actor)) as tx:
        if await projects.find_project(tx, organization, project) is None:
            raise ProjectUnknown(f"there is no project {project}")
        if begun.base_experiment is not None:
            former = await experiments.find_experiment(tx, organization, begun.base_experiment)
            if former is None:
                raise _refused("base_experiment", "there is no such experiment")
            labels, parameters = labels or former["labels"], parameters or former["parameters"]
        row = await experiments.add_experiment(
            tx,
            organization,
            Asked(
                id=uuid7(parts.clock.now()),
                project=project,
                name=begun.name,
                datasets=datasets,
                parameters=parameters,
                base_version=begun.base_version,
                external=True,
                description=begun.description,
                base_experiment=begun.base_experiment,
            ),
        )
        assert row is not None
        if labels:
            row = await give_labels(tx, row, labels)
        return row


async def give_labels(tx: Tx, row: RowMapping, labels: Sequence[str]) -> RowMapping:
    """Say what the classes are, as its labelmap."""
    await logs.put_log(
        tx, row["organization"], row["id"],
        name=LABELMAP, type=LogType.LABELMAP,
        data={str(number): label for number, label in enumerate(labels)},
    )  # fmt: skip
    return await changed(tx, row, labels=list(labels))


async def give_parameters(tx: Tx, row: RowMapping, parameters: dict[str, Any]) -> RowMapping:
    """Say how it is trained, as its log `parameters` too."""
    await logs.put_log(
        tx, row["organization"], row["id"],
        name=PARAMETERS, type=LogType.TABLE, data=parameters,
    )  # fmt: skip
    return await changed(tx, row, parameters=parameters)


async def open_one(tx: Tx, organization: UUID, experiment: UUID) -> RowMapping:
    """An experiment that runs elsewhere and has not ended, its row locked.

    Raises:
        ExperimentUnknown, NotExternal, ExperimentEnded.
    """
    row = await experiments.lock_experiment(tx, organization, experiment)
    if row is None:
        raise ExperimentUnknown(f"there is no experiment {experiment}")
    if not row["external"]:
        raise NotExternal(
            f"the experiment {row['name']} runs on the platform: only its own training changes it"
        )
    if row["status"] in experiments.ENDED:
        raise ExperimentEnded(f"the experiment {row['name']} has ended: it is {row['status']}")
    return row


async def running(tx: Tx, row: RowMapping) -> RowMapping:
    """What logs has begun."""
    if row["status"] != ExperimentStatus.PENDING:
        return row
    return await changed(tx, row, status=ExperimentStatus.RUNNING, started=tx.clock.now())


async def changed(tx: Tx, row: RowMapping, **values: Any) -> RowMapping:
    """Change an experiment whose row is locked and that has not ended."""
    found = await experiments.change(tx, row["organization"], row["id"], values=values)
    assert found is not None
    return found


async def say_status(
    tx: Tx, organization: UUID, experiment: UUID, status: ExperimentStatus, *, error: str | None
) -> RowMapping:
    """How far it is. What it is already, it stays.

    Raises:
        ExperimentUnknown, NotExternal, ExperimentEnded.
        ExperimentRefused: it has begun, and is to wait.
    """
    row = await experiments.lock_experiment(tx, organization, experiment)
    if row is not None and row["external"] and row["status"] == status:
        return row
    row = await open_one(tx, organization, experiment)
    if status is ExperimentStatus.PENDING:
        raise _refused("status", "the experiment has begun: it waits no more")
    if status is ExperimentStatus.RUNNING:
        return await running(tx, row)
    return await experiments.end_external(tx, row, status, error=error)


async def attach(
    parts: Trainer, tx: Tx, row: RowMapping, *, alias: str, version: UUID
) -> RowMapping:
    """Note what it learns from. Raises ExperimentRefused, DatasetVersionNotSettled."""
    held = experiments.datasets_of(row)
    if alias in [one.alias for one in held]:
        raise _refused("name", f"a dataset version is attached as {alias!r} already")
    new = await dataset(parts, row["organization"], version, alias=alias, where="dataset_version")
    return await changed(tx, row, datasets=[as_document(one) for one in (*held, new)])


async def detach(tx: Tx, row: RowMapping, versions: Sequence[UUID]) -> RowMapping:
    """Forget dataset versions, under whatever alias."""
    held = [one for one in experiments.datasets_of(row) if one.dataset_version not in versions]
    return await changed(tx, row, datasets=[as_document(one) for one in held])


async def base_of(
    parts: Trainer, organization: UUID, version: UUID | None
) -> ModelVersionChanged | None:
    """The model version that it starts from. Raises ExperimentRefused: there is no such one."""
    if version is None:
        return None
    found = await known(parts, parts.model_versions, organization, version)
    if found is None:
        raise _refused("base_version", "there is no such model version")
    return found


def artifact_of(file: ModelFile) -> Artifact:
    """A model version's file, to be copied."""
    return Artifact(name=file.name, key=file.key, sha256=file.sha256, size=file.size)


async def dataset(
    parts: Trainer, organization: UUID, version: UUID, *, alias: str, where: str
) -> Dataset:
    """A dataset version as it is now. Raises ExperimentRefused, DatasetVersionNotSettled."""
    found = await known(parts, parts.dataset_versions, organization, version)
    if found is None:
        raise _refused(where, f"there is no dataset version {version}")
    if found.manifest is None or found.digest is None:
        raise DatasetVersionNotSettled(
            f"the dataset version {found.name} {found.version} ({alias}) is still being filled; "
            "try again when it has settled"
        )
    return Dataset(
        alias=alias, dataset_version=version, digest=found.digest, manifest=found.manifest
    )


def task_of(parts: Trainer, row: RowMapping) -> TaskType | None:
    """What its model is of: what its datasets are of, or its base."""
    tables: list[tuple[Any, UUID | None]] = [
        *((parts.dataset_versions, one.dataset_version) for one in experiments.datasets_of(row)),
        (parts.model_versions, row["base_version"]),
    ]
    for table, key in tables:
        found = table.get(str(key)) if key is not None else None
        if found is not None and found.organization == row["organization"]:
            state: DatasetVersionChanged | ModelVersionChanged = found.data
            return state.type
    return None


async def seen(read: Read, organization: UUID, experiment: UUID) -> RowMapping:
    """An experiment. Raises ExperimentUnknown."""
    row = await experiments.find_experiment(read, organization, experiment)
    if row is None:
        raise ExperimentUnknown(f"there is no experiment {experiment}")
    return row


def _refused(where: str, what: str) -> ExperimentRefused:
    return ExperimentRefused(f"This cannot be: {where}: {what}.", errors=[(where, what)])
