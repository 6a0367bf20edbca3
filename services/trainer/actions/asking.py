"""Asking for an experiment, and calling one off."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import RowMapping

from libs.bus.table import Table
from libs.schemas.events import (
    DatasetVersionChanged,
    ExperimentStatus,
    JobState,
    ModelVersionChanged,
    State,
)
from libs.schemas.ids import uuid7
from libs.schemas.values import TaskType
from libs.store import jobs
from libs.store.session import Cause, Tx
from services.trainer.core import parameters as chosen
from services.trainer.core.dataset import Use, use_of
from services.trainer.errors import (
    DatasetVersionNotSettled,
    ExperimentRefused,
    ExperimentUnknown,
    ProjectUnknown,
)
from services.trainer.parts import Trainer
from services.trainer.store import experiments, projects
from services.trainer.store.experiments import Asked, Dataset, Ending

E = TypeVar("E", DatasetVersionChanged, ModelVersionChanged)


async def ask_for_experiment(
    parts: Trainer,
    organization: UUID,
    *,
    actor: str,
    project: UUID,
    name: str,
    datasets: Sequence[tuple[str, UUID]],
    replay: Sequence[str],
    base_version: UUID | None,
    parameters: dict[str, Any],
) -> RowMapping:
    """Make an experiment from what is known of its dataset versions now. `datasets`: by alias.

    Raises:
        ProjectUnknown: there is no such project.
        ExperimentRefused: an alias, a dataset version, the base or a parameter is wrong.
        DatasetVersionNotSettled: a dataset version is still being filled.
    """
    aliases = [alias for alias, _ in datasets]
    _check_aliases(aliases, replay)
    used, task = await _datasets(parts, organization, datasets, replay)
    if base_version is not None:
        base = await known(parts, parts.model_versions, organization, base_version)
        if base is None:
            raise _refused("base_version", "there is no such model version")
        if base.type is not task:
            raise _refused("base_version", f"is a model for {base.type}, the datasets are {task}")
    await asyncio.to_thread(chosen.check, parameters, task)
    asked = Asked(
        id=uuid7(parts.clock.now()),
        project=project,
        name=name,
        datasets=used,
        parameters=parameters,
        base_version=base_version,
    )
    async with parts.database.begin(Cause(actor=actor)) as tx:
        if await projects.find_project(tx, organization, project) is None:
            raise ProjectUnknown(f"there is no project {project}")
        row = await experiments.add_experiment(tx, organization, asked)
        assert row is not None
        return row


async def call_off(tx: Tx, organization: UUID, experiment: UUID) -> RowMapping:
    """Cancel an experiment: at once where it waits, within a step where it runs.

    Nothing happens where it has ended. Raises ExperimentUnknown.
    """
    row = await experiments.lock_experiment(tx, organization, experiment)
    if row is None:
        raise ExperimentUnknown(f"there is no experiment {experiment}")
    if row["status"] in experiments.ENDED:
        return row
    if row["external"]:
        return await experiments.end_external(tx, row, ExperimentStatus.CANCELED)
    await jobs.cancel(tx, row["job"], organization=organization)
    job = await jobs.find(tx, row["job"], organization=organization)
    if job["state"] != JobState.CANCELLED:
        return row
    ending = Ending(status=ExperimentStatus.CANCELED)
    return await experiments.end(tx, organization, experiment, ending=ending) or row


async def known(parts: Trainer, table: Table[E], organization: UUID, key: UUID) -> E | None:
    """What is known of a version; one made a moment ago is waited for.

    None: also for a deleted one, and for another organisation's.
    """
    found = table.get(str(key)) or await table.wait_for(
        str(key), timeout=parts.settings.reference_wait
    )
    if found is None or found.organization != organization or found.data.state is State.DELETED:
        return None
    return found.data


async def _datasets(
    parts: Trainer,
    organization: UUID,
    datasets: Sequence[tuple[str, UUID]],
    replay: Sequence[str],
) -> tuple[list[Dataset], TaskType]:
    used: list[Dataset] = []
    kinds: list[TaskType] = []
    for i, (alias, version) in enumerate(datasets):
        changed = await known(parts, parts.dataset_versions, organization, version)
        where = f"datasets[{i}].dataset_version"
        if changed is None:
            raise _refused(where, f"there is no dataset version {version}")
        if changed.manifest is None or changed.digest is None:
            raise DatasetVersionNotSettled(
                f"the dataset version {changed.name} {changed.version} ({alias}) is still being "
                "filled; try again when it has settled"
            )
        kinds.append(changed.type)
        if changed.type is not kinds[0]:
            raise _refused(where, f"is {changed.type}, the first one is {kinds[0]}")
        used.append(
            Dataset(
                alias=alias,
                dataset_version=version,
                digest=changed.digest,
                manifest=changed.manifest,
                replay=alias in replay,
            )
        )
    return used, kinds[0]


def _check_aliases(aliases: Sequence[str], replay: Sequence[str]) -> None:
    for i, alias in enumerate(aliases):
        if alias in aliases[:i]:
            raise _refused(f"datasets[{i}].alias", f"{alias!r} is there twice")
    for i, alias in enumerate(replay):
        if alias not in aliases:
            raise _refused(f"replay[{i}]", f"no dataset has the alias {alias!r}")
    if not any(use_of(alias, replay=alias in replay) is Use.TRAIN for alias in aliases):
        raise _refused("datasets", "none is to learn from: all are replayed or measured on")


def _refused(where: str, what: str) -> ExperimentRefused:
    return ExperimentRefused(
        f"The experiment cannot be made: {where} {what}.", errors=[(where, what)]
    )
