"""What experiments that succeeded left: enough to publish them, lineage included."""

from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.events import ExperimentFinished
from libs.schemas.values import Artifact, TaskType, TrainedOn
from libs.store.session import Read, Tx
from services.deployer.store.models import LATEST
from services.deployer.tables import experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an experiment left. `labels` None: only the file says them.

    `external`: it ran elsewhere; `filenames`: what its files were called there; `task`: what its
    datasets are of.
    """

    experiment: UUID
    artifacts: list[Artifact]
    labels: list[str] | None
    parameters: dict[str, object]
    trained_on: list[TrainedOn]
    external: bool = False
    filenames: dict[str, str] = field(default_factory=dict)
    task: TaskType | None = None

    @property
    def runs_here(self) -> bool:
        """Whether it left a model that serving could run."""
        return not self.external or self.filenames.get(LATEST, "").lower().endswith(".onnx")


def source_of(done: ExperimentFinished) -> Source:
    """What the event says the experiment left."""
    return Source(
        experiment=done.experiment,
        artifacts=done.artifacts,
        labels=done.labels or None,
        parameters=done.parameters,
        trained_on=done.trained_on,
    )


async def keep(tx: Tx, organization: UUID, done: ExperimentFinished) -> None:
    """Keep what an experiment left."""
    row = {
        "organization": organization,
        "id": done.experiment,
        "labels": done.labels,
        "artifacts": msgspec.to_builtins(done.artifacts),
        "parameters": msgspec.to_builtins(done.parameters),
        "trained_on": msgspec.to_builtins(done.trained_on),
    }
    await tx.execute(insert(experiment).values(row).on_conflict_do_nothing())


async def find(read: Read, organization: UUID, experiment_id: UUID) -> Source | None:
    """What an experiment left; None before its end has been told."""
    row = await read.first(
        select(experiment).where(
            experiment.c.organization == organization, experiment.c.id == experiment_id
        )
    )
    if row is None:
        return None
    return Source(
        experiment=experiment_id,
        artifacts=msgspec.convert(row["artifacts"], list[Artifact]),
        labels=row["labels"] or None,
        parameters=row["parameters"],
        trained_on=msgspec.convert(row["trained_on"], list[TrainedOn]),
    )
