"""A deployment as the interface shows it."""

from collections.abc import Sequence

from libs.store.session import Read
from services.deployer.actions.judging import regret
from services.deployer.dto import DeliveryDto, DeploymentDto, RoleDto, verdict_policy
from services.deployer.store.deployments import Deployment, loading_errors
from services.deployer.store.models import Version, find_versions


async def shown(read: Read, of: Deployment) -> DeploymentDto:
    """One deployment."""
    return (await all_shown(read, [of]))[0]


async def all_shown(read: Read, some: Sequence[Deployment]) -> list[DeploymentDto]:
    """Deployments of one organisation, in the order given."""
    if not some:
        return []
    organization = some[0].organization
    wanted = {v for of in some for v in (of.champion, of.shadow) if v is not None}
    versions = await find_versions(read, organization, wanted)
    errors = await loading_errors(read, organization, [of.id for of in some])
    found = []
    for of in some:
        champion = versions[of.champion]
        shadow = None
        if of.shadow is not None:
            error = errors.get((of.id, of.shadow))
            shadow = _role(versions[of.shadow], of.shadow_threshold or 0.0, error)
        warning = await regret(read, of)
        found.append(
            DeploymentDto(
                id=of.id,
                name=of.name,
                type=of.type,
                state=of.state,
                threshold=of.champion_threshold,
                sample_rate=of.sample_rate,
                retention_days=of.retention_days,
                champion=_role(champion, of.champion_threshold, errors.get((of.id, champion.id))),
                shadow=shadow,
                delivery=delivery(of),
                can_roll_back=bool(of.formers),
                warnings=[warning] if warning else [],
                revision=of.revision,
                created=of.created,
            )
        )
    return found


def delivery(of: Deployment) -> DeliveryDto:
    """How a deployment delivers."""
    return DeliveryDto(
        active=of.delivery_active,
        policy=of.delivery_policy,
        verdict=verdict_policy(of.verdict),
    )


def _role(version: Version, threshold: float, error: str | None) -> RoleDto:
    return RoleDto(
        version=version.id,
        model=version.model,
        name=version.name,
        number=version.number,
        labels=version.labels,
        threshold=threshold,
        error=error,
    )
