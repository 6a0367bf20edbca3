"""The monitor endpoint. It answers only after the event is durable on the bus."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem, conflict, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.events import DeploymentChanged, PredictionShadowLogged
from libs.schemas.faults import Transient
from libs.schemas.values import Logged, Output
from libs.store.session import Cause
from services.ingest import actions, store
from services.ingest.core.body import Body, ShadowBody, where_of
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

_decode_body = msgspec.json.Decoder(Body)
_decode_shadow = msgspec.json.Decoder(ShadowBody)


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
        checked = actions.check(parts, target, _decode(_decode_body, raw), picture=picture, key=key)
        logged = await actions.keep_picture(parts, caller.organization, checked)
    except PredictionRejected as error:
        raise _rejection(parts, caller, deployment, error) from error
    await actions.publish(parts, caller.organization, caller.actor, [logged])
    return Accepted(id=logged.prediction, data=logged.data)


@router.post("/predictions/batch", openapi_extra=_documented(Body, "application/x-ndjson"))
async def log_batch(request: Request, deployment: UUID, parts: Parts, caller: Writer) -> Response:
    """Log predictions, one JSON document a line; answers a line for each, in order.

    A wrong line is refused alone. When the answer comes, the accepted ones are durable.
    """
    target = await _deployment(parts, caller, deployment)
    lines = [line for line in (await request.body()).split(b"\n") if line.strip()]
    limit = parts.settings.batch_limit
    if len(lines) > limit:
        raise Problem(413, "too-many", f"{len(lines)} lines; at most {limit} in one request")
    results = []
    for some in _slices(lines, parts.settings.pictures_at_once // 2 or 1):
        results += await asyncio.gather(
            *(_accept_line(parts, caller, target, line) for line in some)
        )
    accepted = [result for result in results if isinstance(result, Logged)]
    if accepted:
        await actions.publish(parts, caller.organization, caller.actor, accepted)
    body = b"\n".join(_line(number, result) for number, result in enumerate(results)) + b"\n"
    return Response(body, media_type="application/x-ndjson")


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
        body = _decode(_decode_shadow, await request.body())
        row = await _shadow(parts, caller, target, prediction, body)
    except PredictionRejected as error:
        raise _rejection(parts, caller, deployment, error) from error
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


async def _accept_line(
    parts: Ingest, caller: Caller, target: DeploymentChanged, line: bytes
) -> Logged | PredictionRejected:
    try:
        checked = actions.check(parts, target, _decode(_decode_body, line))
        return await actions.keep_picture(parts, caller.organization, checked)
    except PredictionRejected as error:
        parts.till.refuse(caller.organization, target.deployment, error.reason)
        return error
    except Transient as error:
        return PredictionRejected("unavailable", str(error), status=503)


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


def _decode(decoder: "msgspec.json.Decoder[Any]", raw: bytes) -> Any:
    if b"\\u0000" in raw:
        # PostgreSQL has no such character: the event would die behind the answer.
        what = "the character U+0000 cannot be stored"
        raise PredictionRejected("malformed", what, errors=[("body", what)])
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise PredictionRejected(
            "malformed", "the body does not fit its schema", errors=[where_of(error)]
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PredictionRejected(
            "malformed", f"the body is no JSON: {error}", status=400, errors=[("body", str(error))]
        ) from error


def _problem(error: PredictionRejected) -> Problem:
    headers = {"Retry-After": "1"} if error.status in (429, 503) else None
    return Problem(error.status, error.reason, error.detail, errors=error.errors, headers=headers)


def _rejection(
    parts: Ingest, caller: Caller, deployment: UUID, error: PredictionRejected
) -> Problem:
    parts.till.refuse(caller.organization, deployment, error.reason)
    return _problem(error)


def _line(number: int, result: Logged | PredictionRejected) -> bytes:
    if isinstance(result, Logged):
        return msgspec.json.encode(
            {"line": number, "status": 201, "id": result.prediction, "data": result.data}
        )
    document = _problem(result).document()
    return msgspec.json.encode({"line": number, "status": result.status, "problem": document})


def _slices(lines: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), size):
        yield lines[start : start + size]
