"""The routes of serving."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem, conflict, invalid, not_found, unavailable
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged
from libs.vision.images import ImageRefused
from services.serving.actions.models import deployment_of
from services.serving.actions.predicting import Sent, predict
from services.serving.core.model import ModelFailed
from services.serving.dto import FormatDto, Predicted, SeatDto, SeatState, ServingDto
from services.serving.errors import (
    DeploymentUnknown,
    ModelNotServed,
    ModelUnfit,
    QueueFull,
    SpoolFull,
    SpoolUnavailable,
)
from services.serving.parts import Serving
from services.serving.parts.shelf import Seat

router = APIRouter(prefix="/api/serving/v1/deployments/{deployment}", tags=["serving"])
Parts = Annotated[Serving, part(Serving)]
Text = Annotated[str, Query(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]
Tags = Annotated[list[Text], Query(max_length=64)]
_text, _tags, _bool = TypeAdapter(Text), TypeAdapter(Tags), TypeAdapter(bool)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "format": "binary"},
        "source": {"type": "string", "default": "serving"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "monitor": {"type": "boolean", "default": True},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/jpeg": _BINARY,
            "image/png": _BINARY,
            "image/webp": _BINARY,
            "multipart/form-data": {"schema": _FORM},
        },
    }
}


@router.post("/predict", openapi_extra=_BODY, response_model_exclude_unset=True)
async def post_predict(
    request: Request,
    deployment: UUID,
    parts: Parts,
    caller: Annotated[Caller, needs(Scope.PREDICTIONS_WRITE)],
    *,
    source: Text = "serving",
    tags: Tags = [],  # noqa: B006  # FastAPI copies it
    monitor: bool = True,
) -> Predicted:
    """What the deployment's champion says of a picture, logged unless `monitor` is false.

    The picture is the body (`image/*`; the rest in the query), or the part `image` of a multipart
    one, whose parts `source`, `tags` (repeated) and `monitor` win.
    """
    target = await _deployment(parts, caller, deployment)
    sent = await _read(request, parts, source=source, tags=tags, monitor=monitor)
    try:
        answer = await predict(parts, caller.organization, target, sent)
    except ImageRefused as error:
        raise invalid("the picture is refused", [("image", str(error))]) from error
    except QueueFull as error:
        raise unavailable(str(error)) from error
    except (ModelNotServed, SpoolFull, SpoolUnavailable) as error:
        raise unavailable(str(error), retry_after=5) from error
    except ModelUnfit as error:
        raise conflict("not-served", str(error)) from error
    except ModelFailed as error:
        raise Problem(500, "model-failed", f"the champion failed: {error}") from error
    return Predicted(
        prediction_id=answer.prediction,
        model_version=answer.version,
        latency=answer.latency,
        prediction=FormatDto.model_validate(answer.wire),
    )


@router.get("")
async def get_serving(
    deployment: UUID, parts: Parts, caller: Annotated[Caller, needs(Scope.PREDICTIONS_READ)]
) -> ServingDto:
    """What is loaded for a deployment."""
    target = await _deployment(parts, caller, deployment)
    stand = parts.shelf.stand(deployment)
    due = parts.shelf.is_due(deployment)
    champion = _seat(stand.champion, target.champion.version, due=due)
    shadow = None
    if target.shadow is not None:
        shadow = _seat(stand.shadow, target.shadow.version, due=due)
    return ServingDto(champion=champion, shadow=shadow)


def _seat(seat: Seat, version: UUID, *, due: bool) -> SeatDto:
    known = seat.wanted is not None and seat.wanted.version == version
    if known and seat.is_current:
        state = SeatState.LOADED
    elif seat.loading or due or not known:
        state = SeatState.LOADING
    else:
        state = SeatState.FAILED if seat.error is not None else SeatState.ABSENT
    return SeatDto(
        version=version,
        state=state,
        error=seat.error if state is SeatState.FAILED else None,
        serving=seat.running.deployed.version if seat.running else None,
    )


async def _deployment(parts: Serving, caller: Caller, deployment: UUID) -> DeploymentChanged:
    try:
        return await deployment_of(parts, caller.organization, deployment)
    except DeploymentUnknown as error:
        raise not_found(f"deployment {deployment}") from error


async def _read(
    request: Request, parts: Serving, *, source: str, tags: list[str], monitor: bool
) -> Sent:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    name: str | None = None
    if kind.startswith("image/"):
        picture = await request.body()
    elif kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=100) as form:
            image = form.get("image")
            if not isinstance(image, UploadFile):
                raise invalid("the picture is missing", [("image", "a file is needed")])
            _check_size(parts, image.size or 0)
            picture = await image.read()
            kind, name = image.content_type or "", image.filename
            source = _field(form, "source", _text, source)
            tags = _checked("tags", _tags, form.getlist("tags")) if "tags" in form else tags
            monitor = _field(form, "monitor", _bool, monitor)
    else:
        raise Problem(
            415, "unsupported-media-type", "send a picture (image/*), or multipart/form-data"
        )
    _check_size(parts, len(picture))
    return Sent(
        picture=picture,
        # What browsers and clients say when they do not know.
        content_type=None if kind in ("", "application/octet-stream", "image/*") else kind,
        filename=(name or "").replace("\x00", "")[:1024] or None,
        source=source,
        tags=list(dict.fromkeys(tags)),
        monitor=monitor,
    )


def _check_size(parts: Serving, size: int) -> None:
    limit = parts.settings.picture_limit
    if size > limit:
        raise Problem(413, "picture-too-large", f"the picture is larger than {limit} bytes")


def _field(form: FormData, name: str, kind: "TypeAdapter[Any]", default: Any) -> Any:
    return _checked(name, kind, form[name]) if name in form else default


def _checked(name: str, kind: "TypeAdapter[Any]", value: object) -> Any:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        what = str(error.errors(include_url=False)[0]["msg"])
        raise invalid("an element of the request is wrong", [(name, what)]) from error
