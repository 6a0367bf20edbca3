"""Loading what is deployed: fetch, verify, load, warm, and swap in."""

import asyncio
from uuid import UUID

import numpy as np
import structlog

from libs.schemas.envelope import Meta, encode
from libs.schemas.events import DeploymentChanged, ServingLoaded, State
from libs.schemas.faults import Transient
from libs.schemas.ids import uuid7
from libs.schemas.values import DeployedModel, TaskType
from libs.telemetry.metrics import counter
from libs.vision.onnx_models import NotAnOnnxModel, UnknownModelLayout
from services.serving.core.model import Model, ModelFailed, load
from services.serving.errors import DeploymentUnknown, ModelNotServed, ModelUnfit
from services.serving.parts import Serving
from services.serving.parts.shelf import Role, Running, Seat, Stand

log = structlog.get_logger()
loads = counter(
    "serving_loads", "Model versions loaded, by role and result.", ["role", "result"], wrong=True
)
_AGAIN_SECONDS = 5.0


async def deployment_of(parts: Serving, organization: UUID, deployment: UUID) -> DeploymentChanged:
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


async def running_of(parts: Serving, deployment: UUID) -> tuple[Running, Running | None]:
    """The champion, and the shadow if one is loaded; the models of a deployment that has none
    loaded are loaded now.

    Raises:
        ModelNotServed: the champion cannot be loaded now, or is not within the time limit.
        ModelUnfit: the deployed version never can be.
    """
    stand = parts.shelf.use(deployment)
    if stand.champion.running is None and stand.champion.error is None:
        stand.asked = True
        parts.shelf.ask(deployment)
        await _settled(stand, parts.settings.load_wait)
    running = stand.champion.running
    if running is None:
        why = stand.champion.error or "it is still being loaded"
        if stand.champion.unfit is not None:
            raise ModelUnfit(f"the champion cannot be served: {why}")
        raise ModelNotServed(f"the champion does not answer: {why}")
    return running, stand.shadow.running


async def _settled(stand: Stand, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while stand.champion.running is None and stand.champion.error is None:
                stand.settled.clear()
                await stand.settled.wait()
    except TimeoutError:
        return


async def refresh(parts: Serving, deployment: UUID) -> None:
    """Bring the models of a deployment to what is deployed now."""
    found = parts.deployments.get(str(deployment))
    if found is None or found.data.state is State.DELETED:
        parts.shelf.remove(deployment)
        return
    target = found.data
    stand = parts.shelf.stand(deployment)
    known = parts.shelf.models()
    for (role, seat), wanted in zip(stand.seats, (target.champion, target.shadow), strict=True):
        if _want(seat, wanted):
            _tell(parts, found.organization, deployment, role, seat)
    if stand.shadow.running is not None and not stand.shadow.is_current:
        # A former shadow has nothing to say any more; a champion answers until the next one can.
        stand.shadow.running = None
    if parts.shelf.make_room(deployment):
        for role, seat in stand.seats:
            if await _fill(parts, seat, target.type, known):
                _tell(parts, found.organization, deployment, role, seat)
            stand.settled.set()
    stand.settled.set()


def _want(seat: Seat, deployed: DeployedModel | None) -> bool:
    """Take in what is deployed. The same file under another threshold or version is not loaded
    again; True: it is another version, which runs already."""
    if seat.wanted != deployed:
        seat.wanted = deployed
        seat.error = None
    running = seat.running
    if running is not None and deployed is not None and running.deployed.onnx == deployed.onnx:
        seat.running = Running(deployed, running.model)
        return running.deployed.version != deployed.version
    return False


async def _fill(parts: Serving, seat: Seat, task: TaskType, known: dict[str, Model]) -> bool:
    """Load what a seat wants; whether there is something new to tell of it."""
    wanted = seat.wanted
    if wanted is None or seat.is_current or seat.unfit == wanted:
        return False
    if wanted.onnx is None:
        # It runs at the client's: nothing is wrong, there is only nothing to ask here.
        seat.error, seat.unfit = "the version has no ONNX file", wanted
        return False
    before = seat.error
    seat.loading = True
    try:
        seat.running = Running(wanted, await _loaded(parts, wanted, task, known))
        seat.error = seat.unfit = None
        return True
    except Transient as error:
        seat.error = str(error)
    except (ModelUnfit, ModelFailed, NotAnOnnxModel, UnknownModelLayout) as error:
        seat.error, seat.unfit = str(error), wanted
    except Exception as error:  # a stranger's model must not end the process
        log.error("model not loaded", version=str(wanted.version), exc_info=error)
        seat.error, seat.unfit = f"{type(error).__name__}: {error}", wanted
    finally:
        seat.loading = False
    return seat.error != before


async def _loaded(
    parts: Serving, deployed: DeployedModel, task: TaskType, known: dict[str, Model]
) -> Model:
    assert deployed.onnx is not None
    model = known.get(deployed.onnx.sha256)
    if model is None:
        content = await parts.files.content(deployed.onnx)
        model = await asyncio.to_thread(_warm, content, parts.settings.threads)
        known[deployed.onnx.sha256] = model
    said = model.description
    if said.task != task:
        raise ModelUnfit(f"the model's type is {said.task}, the deployment's {task}")
    if said.class_count is not None and said.class_count != len(deployed.labels):
        raise ModelUnfit(
            f"the model has {said.class_count} classes, the labelmap {len(deployed.labels)} labels"
        )
    return model


def _warm(content: bytes, threads: int) -> Model:
    """Load, and compute once: the first inference allocates what the others use again."""
    model = load(content, threads=threads)
    width, height = model.description.input_size
    model.predict(np.zeros((height, width, 3), np.uint8))
    return model


def _tell(parts: Serving, organization: UUID, deployment: UUID, role: Role, seat: Seat) -> None:
    assert seat.wanted is not None
    loads.labels(role, "failed" if seat.error else "loaded").inc()
    now = parts.clock.now()
    event = ServingLoaded(
        deployment=deployment, version=seat.wanted.version, role=role, error=seat.error
    )
    meta = Meta(id=uuid7(now), source="/sightloop/serving", time=now, organization=organization)
    parts.shelf.tell(encode(event, meta))


def try_again(parts: Serving, deployment: UUID) -> None:
    """Look again in a while where a part was away."""
    seats = parts.shelf.stand(deployment).seats
    if any(seat.error is not None and seat.unfit != seat.wanted for _, seat in seats):
        parts.shelf.ask_later(deployment, _AGAIN_SECONDS)
