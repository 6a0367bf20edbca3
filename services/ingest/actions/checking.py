"""Whether a prediction may be accepted, and its canonical form."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from libs.schemas.events import DeploymentChanged, State
from libs.schemas.ids import Derivation, prediction_id, uuid7
from libs.schemas.values import DeployedModel, Logged, Output
from services.ingest.core.body import Body, Format
from services.ingest.core.shapes import to_shapes
from services.ingest.core.times import time_flags
from services.ingest.errors import DeploymentUnknown, PredictionRejected
from services.ingest.parts import Ingest


class Checked(msgspec.Struct, frozen=True, kw_only=True):
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
    received = parts.clock.now()
    if body.prediction_id is not None:
        named = body.prediction_id
    else:
        named = prediction_id(deployment.deployment, key) if key else uuid7(received)
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
    logged = Logged(
        deployment=deployment.deployment,
        prediction=named,
        data=_data_ids(deployment.deployment).of(named),
        type=deployment.type,
        champion=champion,
        shadow=shadow,
        filename=body.filename,
        content_type=body.content_type.lower(),
        width=body.width,
        height=body.height,
        source=body.source,
        tags=list(dict.fromkeys(body.tags)) if len(body.tags) > 1 else body.tags,
        flags=flags + time_flags(body.timestamp, received.timestamp()),
        metadata=body.metadata,
        custom_metadata=body.custom_metadata,
        custom_metrics=body.custom_metrics,
        event_time=received
        if body.timestamp is None
        else datetime.fromtimestamp(body.timestamp, UTC),
        receive_time=received,
    )
    sent = picture is not None or body.image is not None
    kept = sent and body.sample and _drawn(named) < deployment.sample_rate
    return Checked(logged=logged, picture=_picture(body, picture) if kept else None)


@lru_cache(maxsize=10_000)
def _data_ids(deployment: UUID) -> Derivation:
    return Derivation("data", deployment)


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
