"""Accepting a prediction: check, keep the picture, publish, answer."""

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from libs.schemas.envelope import Message, Meta, encode
from libs.schemas.events import DeploymentChanged, PredictionLogged, State
from libs.schemas.ids import derived, prediction_id, uuid7
from libs.schemas.values import DeployedModel, Logged, Output, Picture
from libs.telemetry.tracing import current_traceparent
from libs.vision.images import ImageRefused, inspect
from services.ingest.core.body import Body, Format
from services.ingest.core.shapes import to_shapes
from services.ingest.core.till import Number
from services.ingest.errors import DeploymentUnknown, PredictionRejected
from services.ingest.parts import Ingest

_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A prediction that may be accepted, its picture not kept yet."""

    logged: Logged
    picture: bytes | None


async def deployment_of(parts: Ingest, organization: UUID, deployment: UUID) -> DeploymentChanged:
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


def check(
    parts: Ingest,
    deployment: DeploymentChanged,
    body: Body,
    *,
    picture: bytes | None = None,
    key: str | None = None,
) -> Checked:
    """The canonical form of a prediction. `key`: the Idempotency-Key, in place of an id.

    Raises:
        PredictionRejected: with the reason that the books count.
    """
    if body.prediction_id is not None:
        named = body.prediction_id
    else:
        named = prediction_id(deployment.deployment, key) if key else uuid7(parts.clock.now())
    champion, flags = _output(
        deployment, deployment.champion, body.prediction, body, body.latency,
        version=body.model_version, at="prediction",
    )  # fmt: skip
    shadow = None
    if body.shadow_prediction is not None:
        if body.shadow_latency is None:
            raise PredictionRejected(
                "invalid-prediction",
                "a shadow prediction needs its latency",
                errors=[("shadow_latency", "is missing")],
            )
        if deployment.shadow is None and body.shadow_model_version is None:
            raise PredictionRejected(
                "no-shadow",
                "the deployment has no shadow",
                errors=[("shadow_prediction", "deploy a shadow, or name shadow_model_version")],
            )
        shadow, more = _output(
            deployment, deployment.shadow or deployment.champion, body.shadow_prediction, body,
            body.shadow_latency, version=body.shadow_model_version, at="shadow_prediction",
        )  # fmt: skip
        flags = list(dict.fromkeys(flags + more))
    received = parts.clock.now()
    logged = Logged(
        deployment=deployment.deployment,
        prediction=named,
        data=derived("data", deployment.deployment, named),
        type=deployment.type,
        champion=champion,
        shadow=shadow,
        filename=body.filename,
        content_type=body.content_type.lower(),
        width=body.width,
        height=body.height,
        source=body.source,
        tags=list(dict.fromkeys(body.tags)),
        flags=flags,
        metadata=body.metadata,
        custom_metadata=body.custom_metadata,
        custom_metrics=body.custom_metrics,
        event_time=received
        if body.timestamp is None
        else datetime.fromtimestamp(body.timestamp, UTC),
        receive_time=received,
    )
    kept = body.sample and _drawn(named) < deployment.sample_rate
    return Checked(logged=logged, picture=_picture(body, picture) if kept else None)


async def keep_picture(parts: Ingest, organization: UUID, checked: Checked) -> Logged:
    """Put the picture into the blob store; returns the prediction with its place.

    Raises:
        PredictionRejected: the picture is not what it says, truncated, a bomb, too large, or
            too many pictures are in hand (status 503).
        BlobsUnavailable: the blob store is away; nothing is stored.
    """
    data = checked.picture
    if data is None:
        return checked.logged
    if len(data) > parts.settings.picture_limit:
        limit = parts.settings.picture_limit
        raise PredictionRejected(
            "picture-too-large", f"the picture is larger than {limit} bytes", status=413
        )
    if parts.pictures.locked():
        raise PredictionRejected("busy", "too many pictures are in hand; try again", status=503)
    async with parts.pictures:
        try:
            info = await asyncio.to_thread(
                inspect, data, checked.logged.content_type, max_pixels=parts.settings.pixel_limit
            )
        except ImageRefused as error:
            raise PredictionRejected(
                "bad-picture", str(error), errors=[("image", str(error))]
            ) from error
        sha256 = hashlib.sha256(data).hexdigest()
        content_type = str(info.format)
        key = picture_key(organization, sha256, content_type)
        await parts.blobs.put(key, data, content_type=content_type)
    picture = Picture(key=key, sha256=sha256, size=len(data), content_type=content_type)
    return msgspec.structs.replace(
        checked.logged, picture=picture, content_type=picture.content_type
    )


def picture_key(organization: UUID, sha256: str, content_type: str) -> str:
    """Where a picture lies: the same bytes lie once in an organisation."""
    suffix = _SUFFIX[content_type]
    return f"ingest/{organization}/pictures/{sha256[:2]}/{sha256}.{suffix}"


async def publish(parts: Ingest, organization: UUID, actor: str, logged: list[Logged]) -> None:
    """Return when the predictions are durable on the bus; each takes a number in the books.

    Raises:
        BusUnavailable: some may be durable; sending them again is safe where they are named.
    """
    numbers = [parts.till.next(organization, one.deployment) for one in logged]
    messages = [
        _message(parts, organization, actor, one, number)
        for one, number in zip(logged, numbers, strict=True)
    ]
    try:
        await parts.sink.publish(messages)
    except BaseException:
        parts.till.failed(numbers)
        raise
    parts.till.sent(numbers)


def _message(
    parts: Ingest, organization: UUID, actor: str, logged: Logged, number: Number
) -> Message:
    boot, sequence = number
    return encode(
        PredictionLogged(logged=logged, boot=boot, sequence=sequence),
        Meta(
            id=derived("logged", logged.deployment, logged.prediction),
            source="/sightloop/ingest",
            time=parts.clock.now(),
            organization=organization,
            actor=actor,
            traceparent=current_traceparent(),
        ),
    )


def _output(
    deployment: DeploymentChanged,
    model: DeployedModel,
    sent: Format,
    body: Body,
    latency: float,
    *,
    version: UUID | None,
    at: str,
) -> tuple[Output, list[str]]:
    shapes, flags = to_shapes(
        sent, deployment.type, labels=len(model.labels), width=body.width, height=body.height, at=at
    )
    return (
        Output(
            version=version or model.version,
            shapes=shapes,
            latency=latency,
            assumed=version is None,
        ),
        flags,
    )


def _picture(body: Body, sent: bytes | None) -> bytes | None:
    if sent is not None or body.image is None:
        return sent
    try:
        return base64.b64decode(body.image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PredictionRejected(
            "bad-picture", "the picture is no base64", errors=[("image", str(error))]
        ) from error


def _drawn(prediction: UUID) -> float:
    """A number in [0, 1) that belongs to the prediction: the same at every try."""
    hashed = hashlib.blake2b(prediction.bytes, digest_size=8).digest()
    return int.from_bytes(hashed, "big") / 2**64
