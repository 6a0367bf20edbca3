"""What the trainer does with events: a training that is asked for becomes an experiment."""

from libs.bus.consumer import OK, Drop, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import RetrainingTriggered
from libs.store.session import Tx
from services.trainer.store import experiments, projects
from services.trainer.store.experiments import Asked, Dataset


async def on_triggered(tx: Tx, event: Received[RetrainingTriggered]) -> Outcome:
    """Make the experiment and its job. Its id comes from its cause: told twice, it is one."""
    asked = event.data
    project = await projects.find_project(tx, event.organization, asked.project)
    made = await experiments.add_experiment(
        tx,
        event.organization,
        Asked(
            id=asked.experiment,
            project=asked.project,
            name=asked.name,
            datasets=[
                Dataset(
                    alias=one.alias,
                    dataset_version=one.dataset_version,
                    digest=one.digest,
                    manifest=one.manifest,
                    replay=one.alias in asked.old,
                )
                for one in asked.datasets
            ],
            parameters=asked.parameters,
            deployment=asked.deployment,
            why=asked.why,
            base_version=asked.base_version,
            target_model=asked.target_model,
            error=None
            if project is not None
            else "The project of this training does not exist: choose one in its settings.",
        ),
    )
    return OK if made is not None else Drop("the experiment is there already")
