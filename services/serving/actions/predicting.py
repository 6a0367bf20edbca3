"""A prediction: the champion answers, its entry is durable, the shadow computes behind it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from libs.schemas.events import DeploymentChanged
from libs.schemas.faults import Transient
from libs.schemas.ids import uuid7
from libs.schemas.values import TaskType
from libs.telemetry.metrics import counter, histogram
from libs.vision.images import decode_rgb, inspect
from services.serving.actions.models import running_of
from services.serving.core.entries import PredictionEntry, ShadowEntry, encode_entry
from services.serving.core.wire import to_wire
from services.serving.parts import Serving
from services.serving.parts.shelf import Running

log = structlog.get_logger()
seconds = histogram("serving_model_seconds", "Seconds that a model took, by role.", ["role"])
lost = counter(
    "serving_shadows_lost",
    "Predictions without a shadow's answer: no thread was free, the model failed, or no room.",
    ["reason"],
    wrong=True,
)
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A picture as it was sent. `content_type` is what the sender said, None if nothing."""

    picture: bytes
    content_type: str | None
    filename: str | None
    source: str
    tags: list[str]
    monitor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the champion said; `prediction` None where it is not logged."""

    prediction: UUID | None
    version: UUID
    latency: float
    wire: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    rgb: NDArray[np.uint8]
    content_type: str
    latency: float
    wire: dict[str, Any]


async def predict(
    parts: Serving, organization: UUID, target: DeploymentChanged, sent: Sent
) -> Answer:
    """Run the champion; return when its answer is known and its log entry durable.

    Raises:
        ImageRefused: the picture is none, or too large.
        ModelFailed, ModelUnfit: the champion raised, or answers what its labelmap has not.
        ModelNotServed, QueueFull, SpoolFull, SpoolUnavailable: later it may work.
    """
    if sent.monitor:
        parts.spool.check_room()
    champion, shadow = await running_of(parts, target.deployment)
    most = parts.settings.pixel_limit

    def look() -> _Looked:
        info = inspect(sent.picture, sent.content_type, max_pixels=most)
        rgb = decode_rgb(sent.picture, max_pixels=most)
        wire, latency = _run(champion, target.type, rgb)
        return _Looked(rgb=rgb, content_type=str(info.format), latency=latency, wire=wire)

    looked = await parts.champions.run(look)
    seconds.labels("champion").observe(looked.latency)
    prediction = None
    if sent.monitor:
        prediction = uuid7(parts.clock.now())
        entry = _entry(parts, organization, target, sent, looked, champion, prediction)
        if shadow is not None and parts.shadows.full:
            lost.labels("no thread").inc()
            shadow = None
        if shadow is not None:
            until = parts.clock.monotonic() + parts.settings.shadow_wait
            parts.awaited.expect(prediction, until)
        try:
            await parts.spool.append(encode_entry(entry))
        except BaseException:
            parts.awaited.give_up(prediction)
            raise
        if shadow is not None:
            task = asyncio.create_task(_follow(parts, entry, target.type, looked.rgb, shadow))
            parts.background.add(task)
            task.add_done_callback(parts.background.discard)
    return Answer(
        prediction=prediction,
        version=champion.deployed.version,
        latency=looked.latency,
        wire=looked.wire,
    )


def _run(running: Running, task: TaskType, rgb: NDArray[np.uint8]) -> tuple[dict[str, Any], float]:
    started = time.perf_counter()
    found = running.model.predict(rgb, threshold=running.deployed.threshold)
    latency = time.perf_counter() - started
    return to_wire(found, task, labels=len(running.deployed.labels)), latency


async def _follow(
    parts: Serving,
    entry: PredictionEntry,
    task: TaskType,
    rgb: NDArray[np.uint8],
    shadow: Running,
) -> None:
    """Run the shadow. Whatever becomes of it, the champion has answered."""
    try:
        wire, latency = await parts.shadows.run(lambda: _run(shadow, task, rgb))
        seconds.labels("shadow").observe(latency)
        follower = ShadowEntry(
            organization=entry.organization,
            deployment=entry.deployment,
            prediction=entry.prediction,
            time=parts.clock.now().timestamp(),
            body={
                "latency": latency,
                "prediction": wire,
                "model_version": str(shadow.deployed.version),
            },
        )
        parts.awaited.came(follower)
        await parts.spool.append(encode_entry(follower))
    except Transient as error:
        parts.awaited.give_up(entry.prediction)
        lost.labels("no room").inc()
        log.warning("shadow's answer not kept", reason=str(error))
    except Exception as error:  # noqa: BLE001  # a stranger's model: counted, told, and no harm
        parts.awaited.give_up(entry.prediction)
        lost.labels("failed").inc()
        log.warning("shadow failed", version=str(shadow.deployed.version), reason=str(error))


def _entry(
    parts: Serving,
    organization: UUID,
    target: DeploymentChanged,
    sent: Sent,
    looked: _Looked,
    champion: Running,
    prediction: UUID,
) -> PredictionEntry:
    height, width = looked.rgb.shape[:2]
    now = parts.clock.now().timestamp()
    return PredictionEntry(
        organization=organization,
        deployment=target.deployment,
        prediction=prediction,
        time=now,
        picture=sent.picture,
        body={
            "prediction_id": str(prediction),
            "filename": sent.filename or f"{prediction}.{_SUFFIX[looked.content_type]}",
            "content_type": looked.content_type,
            "height": height,
            "width": width,
            "latency": looked.latency,
            "prediction": looked.wire,
            "source": sent.source,
            "tags": sent.tags,
            "timestamp": now,
            "model_version": str(champion.deployed.version),
        },
    )
