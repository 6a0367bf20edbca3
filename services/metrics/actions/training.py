"""Setting what a deployment's images are compared with, and switching it off."""

from uuid import UUID

from libs.schemas.events import DatasetVersionChanged, DeploymentChanged, State
from libs.schemas.ids import uuid7
from libs.schemas.values import TaskType
from libs.store.jobs import FINISHED, enqueue
from libs.store.session import Tx
from services.metrics.errors import DatasetVersionUnknown, WrongType
from services.metrics.parts import Metrics
from services.metrics.store import progress, references

JOB = "reference"


async def dataset_version(
    parts: Metrics, organization: UUID, version: UUID, *, kind: TaskType
) -> DatasetVersionChanged:
    """The version; one made a moment ago is waited for.

    Raises:
        DatasetVersionUnknown: also for a deleted one, and for another organisation's.
        WrongType: it is of another task than the deployment.
    """
    found = await parts.datasets.wait_for(str(version), timeout=parts.settings.deployment_wait)
    if found is None or found.organization != organization or found.data.state is State.DELETED:
        raise DatasetVersionUnknown(f"there is no dataset version {version}")
    if found.data.type is not kind:
        raise WrongType(f"the dataset version is {found.data.type}, the deployment {kind}")
    return found.data


async def set_reference(
    tx: Tx, organization: UUID, deployment: DeploymentChanged, version: DatasetVersionChanged
) -> UUID:
    """Ask for the reference; returns the job. What is under way or ready is not done again."""
    held = await references.find(tx, organization, deployment.deployment)
    if held is not None and held["dataset_version"] == version.dataset_version:
        under_way = held["ready"] is None and held["job_state"] not in FINISHED
        current = held["ready"] is not None and held["digest"] == version.digest
        if under_way or current:
            return UUID(str(held["job"]))
    reference = uuid7(tx.clock.now())
    job = await enqueue(
        tx,
        JOB,
        organization=organization,
        key=str(reference),
        subject=f"reference of {deployment.name} from {version.name} {version.version}",
        payload={
            "deployment": str(deployment.deployment),
            "reference": str(reference),
            "dataset_version": str(version.dataset_version),
        },
    )
    await references.put(
        tx,
        {
            "deployment": deployment.deployment,
            "organization": organization,
            "id": reference,
            "dataset_version": version.dataset_version,
            "job": job,
        },
    )
    await progress.advance(tx, organization, deployment.deployment, referenced=1)
    return job


async def switch_off(tx: Tx, organization: UUID, deployment: UUID) -> str | None:
    """Forget the reference; returns the key of its file, where there was one."""
    gone = await references.remove(tx, organization, deployment)
    if gone is None:
        return None
    await progress.advance(tx, organization, deployment, referenced=1)
    key: str | None = gone["key"]
    return key
