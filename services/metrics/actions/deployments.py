"""Deployments and the labels of their models, from the compacted topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.schemas.envelope import Received
from libs.schemas.events import DeploymentChanged, State
from libs.schemas.values import Output
from libs.store.session import Tx
from services.metrics.core.content import Side, label_names, side
from services.metrics.core.series import MOST_VERSIONS
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
) -> "Registers":
    """For each model version that answered, the register's index of each of its classes, its
    own position and its threshold.

    A version nobody told of yet is read by the labelmap of the deployment's champion.
    """
    known = parts.deployments.get(str(deployment)) or await parts.deployments.wait_for(
        str(deployment), timeout=parts.settings.deployment_wait
    )
    names: dict[UUID, list[str]] = {}
    for output in outputs:
        held = names.get(output.version)
        if held is not None and max(output.shapes.classes, default=-1) < len(held):
            continue
        names[output.version] = label_names(_labels(parts, known, output.version), output.shapes)
    every = [name for some in names.values() for name in some]
    at = await progress.register_all(tx, organization, deployment, every, list(names))
    return Registers(
        classes={version: [at.labels[name] for name in some] for version, some in names.items()},
        versions={v: i for v, i in at.versions.items() if i < MOST_VERSIONS},
        thresholds={version: _threshold(known, version) for version in names},
    )


def champion_threshold(parts: Metrics, deployment: UUID) -> float:
    """From which score on the champion's boxes are shown; 0 where nobody knows the deployment."""
    known = parts.deployments.get(str(deployment))
    return known.data.champion.threshold if known is not None else 0.0


def _threshold(deployment: Received[DeploymentChanged] | None, version: UUID) -> float:
    """A deployed version's threshold; of any other version the champion's."""
    if deployment is None:
        return 0.0
    deployed = deployment.data
    if deployed.shadow is not None and deployed.shadow.version == version:
        return deployed.shadow.threshold
    return deployed.champion.threshold


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """By version: register indices of its classes, its position, its threshold."""

    classes: dict[UUID, list[int]]
    versions: dict[UUID, int]
    thresholds: dict[UUID, float]

    def side(self, output: Output) -> Side:
        """A model's answer to count."""
        version = output.version
        return side(output, self.classes[version], self.versions.get(version))
