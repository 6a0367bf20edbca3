"""Monitoring, as the existing client does it: predictions with their picture in JSON."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Request

from libs.api.app import part
from libs.api.caller import logged_in, needs
from libs.api.compat import TokenKind, compat_router
from libs.api.problems import Problem, conflict, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.blobs.blobs import BadKey, BlobNotFound
from libs.schemas.events import DeploymentChanged
from libs.schemas.ids import connector_id, label_id
from services.ingest import actions
from services.ingest.api.monitor import log_shadow
from services.ingest.compat.sent import Cloud, in_their_words, read, read_shadow
from services.ingest.errors import DeploymentUnknown, PredictionRejected
from services.ingest.parts import Ingest
from services.ingest.store import lake
from services.ingest.store.lake import Wanted

router = compat_router()
# The platform has the same path: a platform token leads there.
one = compat_router(TokenKind.DEPLOYMENT)
Parts = Annotated[Ingest, part(Ingest)]
Reader = Annotated[Caller, logged_in(Scope.PREDICTIONS_READ)]
Writer = Annotated[Caller, logged_in(Scope.PREDICTIONS_WRITE)]


@one.get("/api/deployment/{deployment}")
async def retrieve_information(deployment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """What is deployed, as monitoring sees it."""
    target = await _deployment(parts, caller, deployment)
    shadow = target.shadow
    return {
        "id": target.deployment,
        "name": target.name,
        "type": target.type,
        "state": target.state,
        "sample_rate": target.sample_rate,
        "model_version_id": target.champion.version,
        "min_threshold": target.champion.threshold,
        "shadow_model_version_id": shadow.version if shadow is not None else None,
        "labels": [
            {"id": label_id(deployment, name), "name": name} for name in target.champion.labels
        ],
    }


@router.post("/api/deployment/{deployment}/predictions", status_code=201)
async def log_prediction(
    request: Request, deployment: UUID, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Log a prediction; the answer comes when it is durable."""
    target = await _deployment(parts, caller, deployment)
    try:
        body, cloud = read(await request.body())
        picture = await _from_cloud(parts, caller, cloud)
        checked = actions.check(parts, target, body, picture=picture)
        if cloud is not None:
            checked = await _of_data(parts, caller, checked, cloud)
        logged = await actions.keep_picture(parts, caller.organization, checked)
    except PredictionRejected as error:
        parts.till.refuse(caller.organization, deployment, error.reason)
        raise _problem(error) from error
    await actions.publish(parts, caller.organization, caller.actor, [logged])
    return {"id": logged.prediction, "data": logged.data}


@router.post("/api/prediction/{prediction}/shadow", status_code=201)
async def log_shadow_later(
    request: Request, prediction: UUID, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Log the shadow's answer to a prediction of the deployment that the login was for."""
    if caller.deployment is None:
        raise Problem(403, "no-login", "this needs the token of a login to a deployment")
    target = await _deployment(parts, caller, caller.deployment)
    try:
        body = read_shadow(await request.body())
    except PredictionRejected as error:
        parts.till.refuse(caller.organization, target.deployment, error.reason)
        raise _problem(error) from error
    if target.shadow is None:
        raise conflict("no-shadow", "the deployment has no shadow model")

    async def replaced() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    ours = Request(request.scope, replaced)
    accepted = await log_shadow(ours, target.deployment, prediction, parts, caller)
    return {"id": accepted.id, "data": accepted.data}


async def _from_cloud(parts: Ingest, caller: Caller, cloud: Cloud | None) -> bytes | None:
    """A picture that is with us already."""
    if cloud is None:
        return None
    key = cloud.object_name
    unknown = PredictionRejected(
        "bad-picture",
        f"there is no object {key}",
        errors=[("cloud_image.object_name", "is no object of the Datalake")],
    )
    if not key.startswith(f"ingest/{caller.organization}/"):
        raise unknown
    try:
        return await parts.blobs.get(key)
    except (BlobNotFound, BadKey) as error:
        raise unknown from error


async def _of_data(
    parts: Ingest, caller: Caller, checked: actions.Checked, cloud: Cloud
) -> actions.Checked:
    """The prediction is about the image that is in the Datalake, where it is."""
    async with parts.database.read() as read:
        rows = await lake.page(
            read, caller.organization, Wanted(keys=[cloud.object_name]),
            after=None, offset=0, limit=1,
        )  # fmt: skip
    if not rows or checked.picture is None:
        return checked
    logged = msgspec.structs.replace(checked.logged, data=rows[0]["id"])
    return actions.Checked(logged=logged, picture=checked.picture)


async def _deployment(parts: Ingest, caller: Caller, deployment: UUID) -> DeploymentChanged:
    try:
        return await actions.deployment_of(parts, caller.organization, deployment)
    except DeploymentUnknown as error:
        raise not_found(f"deployment {deployment}") from error


def _problem(error: PredictionRejected) -> Problem:
    errors = [(in_their_words(where), what) for where, what in error.errors]
    headers = {"Retry-After": "1"} if error.status in (429, 503) else None
    return Problem(error.status, error.reason, error.detail, errors=errors, headers=headers)


@router.get("/api/deployment/{deployment}/datalake/connector")
async def get_connector(
    deployment: UUID, parts: Parts, caller: Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
) -> dict[str, Any]:
    """Where the pictures of a deployment are: what a client names in place of a picture."""
    await _deployment(parts, caller, deployment)
    return {
        "id": connector_id(caller.organization),
        "client_type": "minio",
        "bucket_name": "sightloop",
    }
