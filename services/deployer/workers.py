"""What the deployer does by itself: adopt models, read manifests, look when time has passed."""

import asyncio

import msgspec
import structlog

from libs.blobs.blobs import BlobNotFound
from libs.schemas.events import ExperimentFinished
from libs.schemas.manifest import MalformedManifest, read_manifest
from libs.store.faults import is_transient
from libs.store.jobs import JobFailed
from libs.store.session import Cause, Tx
from libs.store.workers import JobRun
from services.deployer.actions import judging, registry
from services.deployer.actions.delivery import deliver
from services.deployer.core.labelmap import LabelmapRefused
from services.deployer.errors import (
    AlreadyChampion,
    DeploymentUnknown,
    ModelFileRefused,
    ModelUnknown,
)
from services.deployer.parts import Deployer
from services.deployer.store import deployments, lineage, models, trials
from services.deployer.store.experiments import source_of
from services.deployer.store.trials import Lineage

log = structlog.get_logger()


async def adopt(parts: Deployer, run: JobRun) -> None:
    """Make the model of a retraining a version, and deliver it as the policy says.

    Told twice: the version is the same one (its id is derived) and is delivered once.
    """
    organization = run.job.organization
    done = msgspec.convert(run.job.payload, ExperimentFinished)
    assert done.deployment is not None
    try:
        async with parts.database.read() as read:
            of = await deployments.find(read, organization, done.deployment)
            champion = await models.find_version(read, organization, of.champion)
            target = done.target_model or champion.model
            task = (await models.find_model(read, organization, target))["type"]
        source = source_of(done)
        new, _ = await registry.from_experiment(parts, organization, target, source, task=task)
    except DeploymentUnknown as error:
        raise JobFailed(f"the {error} has been deleted") from error
    except ModelUnknown as error:
        raise JobFailed(f"there is no {error}") from error
    except ModelFileRefused as error:
        raise JobFailed(f"the model of {done.name} cannot be used: {error}") from error
    cause = Cause(actor="sightloop")
    async with parts.database.begin(cause) as tx:
        version, _ = await models.add_version(tx, organization, new)
    try:
        async with parts.database.begin(cause) as tx:
            of = await deployments.lock(tx, organization, done.deployment)
            await deliver(tx, of, version, experiment=done.experiment)
    except DeploymentUnknown as error:
        raise JobFailed(f"{version.shown} is registered; the {error} has been deleted") from error
    except (AlreadyChampion, LabelmapRefused) as error:
        raise JobFailed(f"{version.shown} is registered, but not deployed: {error}") from error


async def read_lineage(parts: Deployer, run: JobRun) -> None:
    """Read the images that the models of a trial were trained on, then look for the first time."""
    organization = run.job.organization
    payload = run.job.payload
    error: str | None = None
    for number, key in enumerate(payload["manifests"]):
        await run.progress(number, len(payload["manifests"]), "reading training images")
        try:
            content = await parts.blobs.get(key)
            manifest = await asyncio.to_thread(read_manifest, content)
        except (BlobNotFound, MalformedManifest) as fault:
            error = str(fault)
            break
        async with parts.database.begin() as tx:
            await lineage.keep(tx, organization, key, manifest.assets)
    async with parts.database.begin(Cause(actor="sightloop")) as tx:
        await _settle_lineage(tx, run, error)
    if error is not None:
        raise JobFailed(f"training images cannot be read, so they may count: {error}")


async def _settle_lineage(tx: Tx, run: JobRun, error: str | None) -> None:
    trial = await trials.find(tx, run.job.organization, run.job.payload["trial"])
    if trial is None:
        return
    try:
        of = await deployments.lock(tx, trial.organization, trial.deployment)
    except DeploymentUnknown:
        return
    state = Lineage.FAILED if error else Lineage.READ
    await trials.change(tx, trial, lineage=state, lineage_error=error)
    await judging.judge_trial(tx, of, trial.id)


async def look_on(parts: Deployer) -> None:
    """Look at running trials as time passes: images unanswered for seven days are left out."""
    while True:
        await asyncio.sleep(parts.settings.look_seconds)
        try:
            await look_once(parts)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("trials not looked at, will be", error=str(error))


async def look_once(parts: Deployer) -> None:
    """Look at every running trial, each in a transaction of its own."""
    async with parts.database.read() as read:
        running = await trials.all_running(read)
    for organization, deployment in running:
        async with parts.database.begin(Cause(actor="sightloop")) as tx:
            try:
                of = await deployments.lock(tx, organization, deployment)
            except DeploymentUnknown:
                continue
            await judging.judge_running(tx, of)
