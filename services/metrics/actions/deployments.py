"""Deployments and the labels of their models, from the compacted topics."""

from collections.abc import Sequence
from uuid import UUID

from libs.schemas.envelope import Received
from libs.schemas.events import DeploymentChanged, State
from libs.schemas.values import Output
from libs.store.session import Tx
from services.metrics.core.content import label_names
from services.metrics.errors import DeploymentUnknown
from services.metrics.parts import Metrics
from services.metrics.store import progress


async def deployment_of(parts: Metrics, organization: UUID, deployment: UUID) -> DeploymentChanged:
    """The deployment; one made a moment ago is waited for.

    Raises:
        DeploymentUnknown: also for a deleted one, and for another organisation's.
    """
    found = parts.deployments.get(str(deployment)) or await parts.deployments.wait_for(
        str(deployment), timeout=parts.settings.deployment_wait
    )
    if found is None or found.organization != organization or found.data.state is State.DELETED:
        raise DeploymentUnknown(f"there is no deployment {deployment}")
    return found.data


async def registers(
    parts: Metrics, tx: Tx, organization: UUID, deployment: UUID, outputs: Sequence[Output]
) -> dict[UUID, list[int]]:
    """For each model version that answered, the register's index of each of its classes.

    A version nobody told of yet is read by the labelmap of the deployment's champion.
    """
    known = parts.deployments.get(str(deployment)) or await parts.deployments.wait_for(
        str(deployment), timeout=parts.settings.deployment_wait
    )
    names: dict[UUID, list[str]] = {}
    for output in outputs:
        named = label_names(_labels(parts, known, output.version), output.shapes)
        if len(named) > len(names.get(output.version, ())):
            names[output.version] = named
        else:
            names.setdefault(output.version, named)
    every = [name for some in names.values() for name in some]
    at = await progress.register_labels(tx, organization, deployment, every)
    return {version: [at[name] for name in some] for version, some in names.items()}


def _labels(
    parts: Metrics, deployment: Received[DeploymentChanged] | None, version: UUID
) -> Sequence[str]:
    model = parts.models.get(str(version))
    if model is not None:
        return model.data.labels
    if deployment is None:
        return ()
    deployed = deployment.data
    for candidate in (deployed.champion, deployed.shadow):
        if candidate is not None and candidate.version == version:
            return candidate.labels
    return deployed.champion.labels
