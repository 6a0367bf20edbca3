"""Predictions as the existing client asks for them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile

from libs.api.app import part
from libs.api.caller import logged_in
from libs.api.compat import compat_router
from libs.api.problems import Problem, conflict, invalid, not_found, unavailable, where
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.blobs.blobs import BadKey, BlobNotFound
from libs.vision.images import ImageRefused
from services.serving.actions.models import deployment_of
from services.serving.actions.predicting import Sent, predict
from services.serving.core.model import ModelFailed
from services.serving.errors import (
    DeploymentUnknown,
    ModelNotServed,
    ModelUnfit,
    QueueFull,
    SpoolFull,
    SpoolUnavailable,
)
from services.serving.parts import Serving

router = compat_router()
Parts = Annotated[Serving, part(Serving)]
Writer = Annotated[Caller, logged_in(Scope.PREDICTIONS_WRITE)]
Text = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]


class Asked(BaseModel):
    """What is asked beside the picture. `postprocess` makes no difference."""

    tags: Annotated[list[Text], Field(max_length=64)] = []
    monitor: bool = True
    postprocess: bool = True
    source: Text = "serving"
    metadata: Any = None
    custom_metadata: Any = None


class CloudImage(BaseModel):
    """A picture that is with us already."""

    object_name: Annotated[str, Field(max_length=512)]


class AskedOfCloud(Asked):
    """The same of a picture that is with us already."""

    cloud_image: CloudImage


@router.post("/api/deployments/{deployment}/predict")
async def predict_picture(
    request: Request, deployment: UUID, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """What the champion says of the part `media`, logged unless `monitor` is false."""
    async with request.form(max_files=1, max_fields=100) as form:
        media = form.get("media")
        if not isinstance(media, UploadFile):
            raise invalid("the picture is missing", [("media", "a file is needed")])
        limit = parts.settings.picture_limit
        if (media.size or 0) > limit:
            raise Problem(413, "picture-too-large", f"the picture is larger than {limit} bytes")
        content, name = await media.read(), media.filename
        fields = {key: form[key] for key in Asked.model_fields if key in form and key != "tags"}
        asked = _checked(fields | {"tags": form.getlist("tags")})
    return await _predict(parts, caller, deployment, asked, content, name)


@router.post("/api/v2/deployments/{deployment}/predict")
async def predict_object(
    deployment: UUID, body: AskedOfCloud, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """What the champion says of a picture that is in the Datalake."""
    key = body.cloud_image.object_name
    if not key.startswith(f"ingest/{caller.organization}/"):
        raise not_found(f"object {key}")
    try:
        content = await parts.blobs.get(key)
    except (BlobNotFound, BadKey) as error:
        raise not_found(f"object {key}") from error
    return await _predict(parts, caller, deployment, body, content, key.rpartition("/")[2])


def _checked(fields: dict[str, Any]) -> Asked:
    try:
        return Asked.model_validate(fields)
    except ValidationError as error:
        wrong = [(where(one["loc"]), str(one["msg"])) for one in error.errors(include_url=False)]
        raise invalid("the form is wrong", wrong) from error


async def _predict(
    parts: Serving,
    caller: Caller,
    deployment: UUID,
    asked: Asked,
    content: bytes,
    name: str | None,
) -> dict[str, Any]:
    if asked.metadata or asked.custom_metadata:
        raise invalid(
            "metadata cannot be logged with a prediction of ours",
            [("metadata", "log it with monitor(), or give it to the image afterwards")],
        )
    sent = Sent(
        picture=content,
        content_type=None,
        filename=(name or "").replace("\x00", "")[:1024] or None,
        source=asked.source,
        tags=list(dict.fromkeys(asked.tags)),
        monitor=asked.monitor,
    )
    try:
        target = await deployment_of(parts, caller.organization, deployment)
        answer = await predict(parts, caller.organization, target, sent)
    except DeploymentUnknown as error:
        raise not_found(f"deployment {deployment}") from error
    except ImageRefused as error:
        raise invalid("the picture is refused", [("media", str(error))]) from error
    except (QueueFull, ModelNotServed, SpoolFull, SpoolUnavailable) as error:
        raise unavailable(str(error)) from error
    except ModelUnfit as error:
        raise conflict("not-served", str(error)) from error
    except ModelFailed as error:
        raise Problem(500, "model-failed", f"the champion failed: {error}") from error
    return {
        "id": answer.prediction,
        "prediction_id": answer.prediction,
        "model_version_id": answer.version,
        "latency": answer.latency,
        "prediction": answer.wire,
    }
