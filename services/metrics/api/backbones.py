"""Users' own networks that embed images: kept, and chosen for a deployment."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem, conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.store.session import Cause
from services.metrics.actions import backbones
from services.metrics.api.series import known_deployment
from services.metrics.core.backbone import Scaling
from services.metrics.dto import BackboneChoice, BackboneChosen, BackboneDto, BackbonesDto
from services.metrics.errors import (
    BackboneNameTaken,
    BackboneRefused,
    BackboneUnknown,
    TooManyBackbones,
)
from services.metrics.parts import Metrics
from services.metrics.store import backbones as stored

router = APIRouter(prefix="/api/metrics/v1", tags=["metrics"])
Parts = Annotated[Metrics, part(Metrics)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]

_LONGEST_NAME = 100


@router.get("/backbones")
async def list_backbones(parts: Parts, caller: Reader) -> BackbonesDto:
    """The organisation's own networks that can embed images."""
    async with parts.database.read() as read:
        rows = await stored.every(read, caller.organization)
    return BackbonesDto(items=[BackboneDto.model_validate(dict(row)) for row in rows])


@router.post("/backbones", status_code=201)
async def post_backbone(request: Request, parts: Parts, caller: Writer) -> BackboneDto:
    """Keep an ONNX network that embeds images: fields `name`, `scaling` and `file`.

    One image goes in (float32 [1, 3, H, W] or [1, H, W, 3]), its first output is a vector. It is
    tried on a picture before it is kept.
    """
    if not request.headers.get("content-type", "").startswith("multipart/"):
        raise invalid("the body is no multipart form", [("body", "must be multipart/form-data")])
    async with request.form(max_files=1, max_fields=2) as form:
        name, upload = form.get("name"), form.get("file")
        if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise invalid(
                "the backbone needs a name", [("name", f"1 to {_LONGEST_NAME} characters")]
            )
        if "\x00" in name:
            raise invalid("the name holds a zero byte", [("name", "holds a zero byte")])
        try:
            scaling = Scaling(str(form.get("scaling", Scaling.IMAGENET)))
        except ValueError as error:
            raise invalid("there is no such scaling", [("scaling", ", ".join(Scaling))]) from error
        if not isinstance(upload, UploadFile):
            raise invalid("the file is missing", [("file", "a file is needed")])
        limit = parts.settings.backbone_bytes
        if (upload.size or 0) > limit:
            raise Problem(413, "too-large", f"the backbone is larger than {limit} bytes")
        content = await upload.read()
    try:
        row = await backbones.keep(
            parts,
            caller.organization,
            name.strip(),
            content,
            scaling=scaling,
            actor=caller.actor,
        )
    except BackboneRefused as error:
        said = f"the network cannot be used: {error}"
        raise invalid(said, [("file", str(error))]) from error
    except (BackboneNameTaken, TooManyBackbones) as error:
        raise conflict("backbone-not-kept", str(error)) from error
    return BackboneDto.model_validate(dict(row))


@router.delete("/backbones/{backbone}", status_code=204)
async def delete_backbone(backbone: UUID, parts: Parts, caller: Writer) -> None:
    """Remove a network; references that it made are made anew with the built-in one."""
    try:
        await backbones.remove(parts, caller.organization, backbone, actor=caller.actor)
    except BackboneUnknown as error:
        raise not_found(f"backbone {backbone}") from error


@router.get("/deployments/{deployment}/backbone")
async def get_backbone(deployment: UUID, parts: Parts, caller: Reader) -> BackboneChoice:
    """Which network embeds the deployment's images."""
    await known_deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        row = await stored.chosen(read, caller.organization, deployment)
    return BackboneChoice(backbone=None if row is None else row["id"])


@router.put("/deployments/{deployment}/backbone")
async def put_backbone(
    deployment: UUID, parts: Parts, caller: Writer, body: BackboneChoice
) -> BackboneChosen:
    """Embed the deployment's images with this network: a job makes its reference anew."""
    await known_deployment(parts, caller, deployment)
    try:
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            job = await backbones.choose(
                parts, tx, caller.organization, deployment, backbone=body.backbone
            )
    except BackboneUnknown as error:
        raise not_found(f"backbone {body.backbone}") from error
    return BackboneChosen(backbone=body.backbone, job=job)
