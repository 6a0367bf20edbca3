"""Setting what a deployment's images are compared with, and switching it off."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from libs.schemas.events import DatasetVersionChanged, DeploymentChanged, State
from libs.schemas.ids import uuid7
from libs.schemas.values import TaskType
from libs.store.jobs import FINISHED, enqueue
from libs.store.session import Tx
from services.metrics.errors import DatasetVersionUnknown, WrongType
from services.metrics.parts import Metrics
from services.metrics.store import backbones, progress, references

JOB = "reference"
_FORMERS = 16


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
    tx: Tx,
    organization: UUID,
    deployment: DeploymentChanged,
    version: DatasetVersionChanged,
    *,
    pinned: bool,
) -> UUID:
    """Ask for the reference; returns the job. What is under way or ready is not done again."""
    held = await references.find(tx, organization, deployment.deployment)
    if (
        held is not None
        and held["dataset_version"] == version.dataset_version
        and held["origin"] == Origin.DATASET
        and held["backbone"] == await _chosen_id(tx, organization, deployment.deployment)
    ):
        under_way = held["ready"] is None and held["job_state"] not in FINISHED
        current = held["ready"] is not None and held["digest"] == version.digest
        if under_way or current:
            await references.pin(tx, organization, deployment.deployment, pinned=pinned)
            return UUID(str(held["job"]))
    return await _ask(
        tx,
        organization,
        deployment,
        Wanted(
            origin=Origin.DATASET,
            dataset_version=version.dataset_version,
            what=f"{version.name} {version.version}",
            pinned=pinned,
        ),
    )


async def take_champions(tx: Tx, organization: UUID, deployment: DeploymentChanged) -> UUID:
    """Ask for a reference of what the champion was trained on; returns the job."""
    champion = deployment.champion
    return await _ask(
        tx,
        organization,
        deployment,
        Wanted(
            origin=Origin.CHAMPION,
            dataset_version=champion.trained_on[0].dataset_version,
            what=f"what {champion.name} {champion.number} was trained on",
            manifests=tuple(trained.manifest for trained in champion.trained_on),
        ),
    )


async def take_production(
    tx: Tx, organization: UUID, deployment: DeploymentChanged, *, images: int, pinned: bool
) -> UUID:
    """Ask for a reference of the first images logged; returns the job."""
    return await _ask(
        tx,
        organization,
        deployment,
        Wanted(
            origin=Origin.PRODUCTION,
            dataset_version=None,
            what=f"its first {images} images in production",
            images=images,
            pinned=pinned,
        ),
    )


async def make_anew(tx: Tx, organization: UUID, deployment: DeploymentChanged) -> UUID | None:
    """Ask for the reference of the same images again, with the backbone that is chosen now.

    Returns the job; None where there is no reference, or it is of that backbone.
    """
    held = await references.find(tx, organization, deployment.deployment)
    if held is None:
        return None
    if held["backbone"] == await _chosen_id(tx, organization, deployment.deployment):
        return None
    payload = held["job_payload"] or {}
    return await _ask(
        tx,
        organization,
        deployment,
        Wanted(
            origin=Origin(held["origin"]),
            dataset_version=held["dataset_version"],
            what="the same images",
            manifests=tuple(payload.get("manifests") or ()),
            images=payload.get("images"),
            pinned=held["pinned"],
            champion=held["champion"],
        ),
    )


async def _chosen_id(tx: Tx, organization: UUID, deployment: UUID) -> UUID | None:
    chosen = await backbones.chosen(tx, organization, deployment)
    return None if chosen is None else chosen["id"]


async def _ask(tx: Tx, organization: UUID, deployment: DeploymentChanged, wanted: "Wanted") -> UUID:
    reference = uuid7(tx.clock.now())
    version = wanted.dataset_version
    chosen = await backbones.chosen(tx, organization, deployment.deployment)
    backbone = None if chosen is None else chosen["id"]
    held = await references.find(tx, organization, deployment.deployment)
    formers = [] if held is None else list(held["formers"])
    if held is not None and held["backbone"] != backbone:
        formers = [*formers, held["id"]][-_FORMERS:]
    job = await enqueue(
        tx,
        JOB,
        organization=organization,
        key=str(reference),
        subject=f"reference of {deployment.name} from {wanted.what}"
        + ("" if chosen is None else f" by {chosen['name']}"),
        payload={
            "deployment": str(deployment.deployment),
            "reference": str(reference),
            "dataset_version": None if version is None else str(version),
            "manifests": list(wanted.manifests),
            "images": wanted.images,
            "type": str(deployment.type),
            "backbone": None if backbone is None else str(backbone),
        },
    )
    await references.put(
        tx,
        {
            "deployment": deployment.deployment,
            "organization": organization,
            "id": reference,
            "dataset_version": version,
            "origin": str(wanted.origin),
            "pinned": wanted.pinned,
            "champion": wanted.champion or deployment.champion.version,
            "job": job,
            "backbone": backbone,
            "backbone_name": None if chosen is None else chosen["name"],
            "formers": formers,
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


class Origin(StrEnum):
    """What a reference is made of."""

    DATASET = "dataset"
    CHAMPION = "champion"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A reference to be made. `manifests`: as trained; none: the version as it is. `champion`:
    under which it was asked for; None: under the present one."""

    origin: Origin
    dataset_version: UUID | None
    what: str
    manifests: tuple[str, ...] = ()
    images: int | None = None
    pinned: bool = False
    champion: UUID | None = None
