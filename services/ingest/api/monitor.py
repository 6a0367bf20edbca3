"""The monitor endpoint. It answers only after the event is durable on the bus."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import conflict, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged, PredictionShadowLogged
from libs.schemas.values import Output
from libs.store.session import Cause
from libs.telemetry.tracing import current_traceparent
from services.ingest import actions, store
from services.ingest.api.monitor_documents import accept_lines, read_body, read_shadow, refused
from services.ingest.core.body import Body, ShadowBody
from services.ingest.core.shapes import to_shapes
from services.ingest.dto import Accepted
from services.ingest.errors import (
    DeploymentHasNoShadow,
    DeploymentUnknown,
    PredictionRejected,
    ShadowAlreadyLogged,
)
from services.ingest.parts import Ingest

router = APIRouter(prefix="/api/ingest/v1/deployments/{deployment}", tags=["ingest"])
Parts = Annotated[Ingest, part(Ingest)]
Writer = Annotated[Caller, needs(Scope.PREDICTIONS_WRITE)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=256)]


def _documented(body: type[msgspec.Struct], *kinds: str) -> dict[str, Any]:
    """OpenAPI of a body that msgspec reads."""
    schema = msgspec.json.schema(body)
    definitions = schema.pop("$defs")
    schema = _inlined(definitions[body.__name__], definitions)
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    match schema:
        case {"$ref": str(name)}:
            return _inlined(definitions[name.rsplit("/", 1)[1]], definitions)
        case dict():
            return {key: _inlined(value, definitions) for key, value in schema.items()}
        case list():
            return [_inlined(value, definitions) for value in schema]
    return schema


@router.post("/predictions", status_code=201, openapi_extra=_documented(Body, "application/json"))
async def log_prediction(
    request: Request, deployment: UUID, parts: Parts, caller: Writer, key: Key = None
) -> Accepted:
    """Log a prediction. Sending it again (same id or Idempotency-Key) is one prediction."""
    target = await _deployment(parts, caller, deployment)
    try:
        raw, picture = await _read(request)
        checked = actions.check(parts, target, read_body(raw), picture=picture, key=key)
        logged = await actions.keep_picture(parts, caller.organization, checked)
        await actions.publish(parts, caller.organization, caller.actor, [logged])
    except PredictionRejected as error:
        raise refused(parts, caller, deployment, error) from error
    return Accepted(id=logged.prediction, data=logged.data)


@router.post("/predictions/batch", openapi_extra=_documented(Body, "application/x-ndjson"))
async def log_batch(request: Request, deployment: UUID, parts: Parts, caller: Writer) -> Response:
    """Log predictions, one JSON document a line; answers a line for each, in order.

    A wrong line is refused alone. When the answer comes, the accepted ones are durable.
    """
    target = await _deployment(parts, caller, deployment)
    answer = await accept_lines(
        parts, caller, target, await request.body(), traceparent=current_traceparent()
    )
    return Response(answer, media_type="application/x-ndjson")


@router.post(
    "/predictions/{prediction}/shadow",
    status_code=201,
    openapi_extra=_documented(ShadowBody, "application/json"),
)
async def log_shadow(
    request: Request, deployment: UUID, prediction: UUID, parts: Parts, caller: Writer
) -> Accepted:
    """Log the shadow's answer to a prediction that was logged without one."""
    target = await _deployment(parts, caller, deployment)
    try:
        body = read_shadow(await request.body())
        row = await _shadow(parts, caller, target, prediction, body)
    except PredictionRejected as error:
        raise refused(parts, caller, deployment, error) from error
    except ShadowAlreadyLogged as error:
        raise conflict("shadow-already-logged", str(error)) from error
    except DeploymentHasNoShadow as error:
        raise conflict("no-shadow", str(error)) from error
    return row


async def _deployment(parts: Ingest, caller: Caller, deployment: UUID) -> DeploymentChanged:
    try:
        return await actions.deployment_of(parts, caller.organization, deployment)
    except DeploymentUnknown as error:
        raise not_found(f"deployment {deployment}") from error


async def _read(request: Request) -> tuple[bytes, bytes | None]:
    """The JSON of a request and, from a multipart one, its picture."""
    if not request.headers.get("content-type", "").startswith("multipart/"):
        return await request.body(), None
    async with request.form(max_files=1, max_fields=1) as form:
        picture = form.get("image")
        document = form.get("prediction")
        if not isinstance(document, str):
            raise PredictionRejected(
                "malformed", "the part `prediction` is missing", errors=[("prediction", "missing")]
            )
        if picture is None:
            return document.encode(), None
        if not isinstance(picture, UploadFile):
            raise PredictionRejected(
                "malformed", "the part `image` is no file", errors=[("image", "is no file")]
            )
        return document.encode(), await picture.read()


async def _shadow(
    parts: Ingest,
    caller: Caller,
    target: DeploymentChanged,
    prediction: UUID,
    body: ShadowBody,
) -> Accepted:
    if target.shadow is None and body.model_version is None:
        raise DeploymentHasNoShadow("the deployment has no shadow; name model_version")
    model = target.shadow or target.champion
    deadline = parts.clock.monotonic() + parts.settings.deployment_wait
    while True:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await store.take_shadow(tx, caller.organization, target.deployment, prediction)
            if row is not None:
                if row["has_shadow"]:
                    raise ShadowAlreadyLogged(prediction)
                shapes, _ = to_shapes(
                    body.prediction, target.type, labels=len(model.labels),
                    width=row["width"], height=row["height"], at="prediction",
                )  # fmt: skip
                await tx.emit(
                    PredictionShadowLogged(
                        deployment=target.deployment,
                        prediction=prediction,
                        data=row["data"],
                        shadow=Output(
                            version=body.model_version or model.version,
                            shapes=shapes,
                            latency=body.latency,
                            assumed=body.model_version is None,
                        ),
                        event_time=row["event_time"],
                        width=row["width"],
                        height=row["height"],
                    ),
                    organization=caller.organization,
                )
                return Accepted(id=prediction, data=row["data"])
        if parts.clock.monotonic() >= deadline:
            raise not_found(f"prediction {prediction}")
        await asyncio.sleep(0.05)
