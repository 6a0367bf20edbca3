"""Experiments: what is asked for, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import ExperimentChanged, ExperimentFinished, ExperimentStatus
from libs.schemas.values import Artifact, TrainedOn, TrainingDataset
from libs.store import jobs
from libs.store.session import Read, Tx
from libs.store.tables import job
from services.trainer.core.logs import PARAMETERS, LogType
from services.trainer.store.artifacts import Kept, artifacts_of, as_document, kept, told
from services.trainer.store.logs import last_values, put_log
from services.trainer.tables import experiment, run

ENDED = (ExperimentStatus.SUCCESS, ExperimentStatus.FAILED, ExperimentStatus.CANCELED)


class Dataset(TrainingDataset, frozen=True, kw_only=True):
    """A dataset version as an experiment keeps it. `replay`: its pictures are drawn again."""

    replay: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An experiment as it is asked for.

    `error`: why it cannot even begin. `external`: it runs elsewhere, so there is no job.
    """

    id: UUID
    project: UUID
    name: str
    datasets: Sequence[Dataset]
    parameters: dict[str, Any]
    deployment: UUID | None = None
    why: str | None = None
    base_version: UUID | None = None
    target_model: UUID | None = None
    error: str | None = None
    external: bool = False
    description: str = ""
    base_experiment: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an experiment ends."""

    status: ExperimentStatus
    error: str | None = None
    labels: Sequence[str] = ()
    metrics: dict[str, float] | None = None
    artifacts: Sequence[Artifact] = ()


async def add_experiment(tx: Tx, organization: UUID, asked: Asked) -> RowMapping | None:
    """Make an experiment and its job; None where it is there already (told twice).

    One that is external has no job.
    """
    now = tx.clock.now()
    made = await tx.execute(
        insert(experiment)
        .values(
            id=asked.id,
            organization=organization,
            project=asked.project,
            name=asked.name,
            status=ExperimentStatus.PENDING,
            deployment=asked.deployment,
            why=asked.why,
            base_version=asked.base_version,
            target_model=asked.target_model,
            parameters=asked.parameters,
            datasets=[as_document(one) for one in asked.datasets],
            created=now,
            external=asked.external,
            description=asked.description,
            base_experiment=asked.base_experiment,
        )
        .on_conflict_do_nothing(index_elements=[experiment.c.id])
        .returning(experiment)
    )
    row = made.mappings().first()
    if row is None:
        return None
    if asked.parameters:
        await put_log(
            tx, organization, asked.id,
            name=PARAMETERS, type=LogType.TABLE, data=asked.parameters,
        )  # fmt: skip
    await _tell(tx, row)
    if asked.external:
        return row
    if asked.error is not None:
        ending = Ending(status=ExperimentStatus.FAILED, error=asked.error)
        return await end(tx, organization, asked.id, ending=ending)
    queued = await jobs.enqueue(
        tx,
        "training",
        organization=organization,
        key=str(asked.id),
        subject=asked.name,
        payload={"experiment": str(asked.id)},
    )
    await tx.execute(update(experiment).where(experiment.c.id == asked.id).values(job=queued))
    return row


async def find_experiment(read: Read, organization: UUID, experiment_id: UUID) -> RowMapping | None:
    """An experiment."""
    return await read.first(_one(organization, experiment_id))


async def lock_experiment(tx: Tx, organization: UUID, experiment_id: UUID) -> RowMapping | None:
    """An experiment, its row locked until the transaction ends."""
    return await tx.first(_one(organization, experiment_id).with_for_update())


async def list_experiments(
    read: Read,
    organization: UUID,
    *,
    project: UUID | None,
    deployment: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit + 1` experiments, newest first, before a (time, id)."""
    query = select(experiment).where(experiment.c.organization == organization)
    if project is not None:
        query = query.where(experiment.c.project == project)
    if deployment is not None:
        query = query.where(experiment.c.deployment == deployment)
    if before is not None:
        query = query.where(tuple_(experiment.c.created, experiment.c.id) < before)
    order = (experiment.c.created.desc(), experiment.c.id.desc())
    return await read.all(query.order_by(*order).limit(limit + 1))


async def change(
    tx: Tx,
    organization: UUID,
    experiment_id: UUID,
    *,
    values: Mapping[str, Any],
    attempt: int | None = None,
) -> RowMapping | None:
    """Change an experiment that has not ended, and tell it.

    `attempt`: only while this is the current one. None: it has ended, or another attempt runs.
    """
    statement = update(experiment).where(
        experiment.c.organization == organization,
        experiment.c.id == experiment_id,
        experiment.c.status.not_in(ENDED),
    )
    if attempt is not None:
        statement = statement.where(experiment.c.attempt == attempt)
    changed = await tx.execute(
        statement.values(revision=experiment.c.revision + 1, **values).returning(experiment)
    )
    row = changed.mappings().first()
    if row is not None:
        await _tell(tx, row)
    return row


async def end(
    tx: Tx, organization: UUID, experiment_id: UUID, *, ending: Ending, attempt: int | None = None
) -> RowMapping | None:
    """End an experiment and tell it, once; None where it has ended, or another attempt runs."""
    now = tx.clock.now()
    metrics = ending.metrics or {}
    row = await change(
        tx,
        organization,
        experiment_id,
        attempt=attempt,
        values={
            "status": ending.status,
            "error": ending.error,
            "finished": now,
            "labels": list(ending.labels),
            "metrics": metrics,
            "artifacts": [
                as_document(one if isinstance(one, Kept) else kept(experiment_id, one))
                for one in ending.artifacts
            ],
        },
    )
    if row is None:
        return None
    await tx.execute(
        update(run)
        .where(run.c.experiment == experiment_id, run.c.state == ExperimentStatus.RUNNING)
        .values(state=ending.status, error=ending.error, finished=now)
    )
    await tx.emit(
        ExperimentFinished(
            experiment=experiment_id,
            name=row["name"],
            status=ending.status,
            artifacts=told(ending.artifacts),
            labels=list(ending.labels),
            metrics=metrics,
            parameters=row["parameters"],
            trained_on=trained_on(row),
            deployment=row["deployment"],
            base_version=row["base_version"],
            target_model=row["target_model"],
            error=ending.error,
        ),
        organization=organization,
    )
    return row


async def end_external(
    tx: Tx, row: RowMapping, status: ExperimentStatus, *, error: str | None = None
) -> RowMapping:
    """End an experiment that runs elsewhere, with all that it has; its row is locked."""
    organization = row["organization"]
    ending = Ending(
        status=status,
        error=error,
        labels=row["labels"],
        metrics=await last_values(tx, organization, row["id"], attempt=row["attempt"]),
        artifacts=artifacts_of(row),
    )
    ended = await end(tx, organization, row["id"], ending=ending)
    assert ended is not None
    return ended


async def abandoned(read: Read) -> Sequence[RowMapping]:
    """Experiments of every organisation whose job has ended without ending them:
    `id`, `organization`, and the job's `state` and `error`."""
    return await read.all(
        select(experiment.c.id, experiment.c.organization, job.c.state, job.c.error)
        .join(job, job.c.id == experiment.c.job)
        .where(experiment.c.finished.is_(None), job.c.state.in_(jobs.FINISHED))
    )


def datasets_of(row: RowMapping) -> list[Dataset]:
    """What an experiment trains on."""
    return [Dataset(**_identified(one)) for one in row["datasets"]]


def trained_on(row: RowMapping) -> list[TrainedOn]:
    """The same as lineage has it."""
    return [
        TrainedOn(
            alias=one.alias,
            dataset_version=one.dataset_version,
            digest=one.digest,
            manifest=one.manifest,
        )
        for one in datasets_of(row)
    ]


def _identified(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"dataset_version": UUID(one["dataset_version"])}


def _one(organization: UUID, experiment_id: UUID) -> Any:
    return select(experiment).where(
        experiment.c.organization == organization, experiment.c.id == experiment_id
    )


async def _tell(tx: Tx, row: RowMapping) -> None:
    await tx.emit(
        ExperimentChanged(
            experiment=row["id"],
            revision=row["revision"],
            project=row["project"],
            name=row["name"],
            status=ExperimentStatus(row["status"]),
            done=row["done"],
            total=row["total"],
            deployment=row["deployment"],
            error=row["error"],
        ),
        organization=row["organization"],
    )
