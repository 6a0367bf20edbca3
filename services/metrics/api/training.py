"""What live images are compared with: the training data, and the drift measured against it."""

import asyncio
from typing import Annotated
from uuid import UUID

import numpy as np
from fastapi import APIRouter

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import Problem, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.blobs.blobs import BlobNotFound
from libs.store.session import Cause
from services.metrics.actions import training
from services.metrics.actions.bases import basis_of
from services.metrics.actions.dashboard import describe
from services.metrics.api.series import known_deployment
from services.metrics.core import ks
from services.metrics.core.looks import live_values
from services.metrics.dto import (
    CurveDto,
    DriftCurvesDto,
    JobAccepted,
    ReferenceDto,
    TrainingDataBody,
)
from services.metrics.errors import (
    DatasetVersionUnknown,
    FeatureUnknown,
    ReferenceMissing,
    WrongType,
)
from services.metrics.parts import Metrics
from services.metrics.store import references

router = APIRouter(prefix="/api/metrics/v1/deployments/{deployment}", tags=["metrics"])
Parts = Annotated[Metrics, part(Metrics)]
Viewer = Annotated[Caller, needs(Scope.PREDICTIONS_READ)]
Reader = Annotated[Caller, needs(Scope.DEPLOYMENTS_READ)]
Writer = Annotated[Caller, needs(Scope.DEPLOYMENTS_WRITE)]


@router.get("/training-data")
async def get_training_data(deployment: UUID, parts: Parts, caller: Reader) -> ReferenceDto:
    """What the deployment's images are compared with."""
    await known_deployment(parts, caller, deployment)
    async with parts.database.read() as read:
        row = await references.find(read, caller.organization, deployment)
    return ReferenceDto.model_validate(describe(row))


@router.put("/training-data", status_code=202)
async def put_training_data(
    deployment: UUID, parts: Parts, caller: Writer, body: TrainingDataBody
) -> JobAccepted:
    """Compare with this dataset version: a job makes its reference, then everything is scored."""
    known = await known_deployment(parts, caller, deployment)
    which = caller.organization, known
    if body.dataset_version is None:
        images = body.production_images or 0
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            job = await training.take_production(tx, *which, images=images, pinned=body.pinned)
        return JobAccepted(job=job)
    try:
        version = await training.dataset_version(
            parts, caller.organization, body.dataset_version, kind=known.type
        )
    except DatasetVersionUnknown as error:
        raise not_found(f"dataset version {body.dataset_version}") from error
    except WrongType as error:
        raise invalid(str(error), [("dataset_version", str(error))]) from error
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        job = await training.set_reference(tx, *which, version, pinned=body.pinned)
    return JobAccepted(job=job)


@router.delete("/training-data", status_code=204)
async def delete_training_data(deployment: UUID, parts: Parts, caller: Writer) -> None:
    """Switch outlier score, drift and the training side off. Scores given stay."""
    await known_deployment(parts, caller, deployment)
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        key = await training.switch_off(tx, caller.organization, deployment)
    if key is not None:
        await parts.blobs.delete(key)


@router.get("/drift")
async def get_drift(
    deployment: UUID, parts: Parts, caller: Viewer, feature: str = "outlier"
) -> DriftCurvesDto:
    """Both distribution functions of one feature: live window and reference."""
    await known_deployment(parts, caller, deployment)
    try:
        return await _curves(parts, caller, deployment, feature)
    except ReferenceMissing as error:
        raise Problem(404, "no-reference", str(error)) from error
    except FeatureUnknown as error:
        raise invalid(str(error), [("feature", str(error))]) from error


async def _curves(parts: Metrics, caller: Caller, deployment: UUID, feature: str) -> DriftCurvesDto:
    async with parts.database.read() as read:
        row = await references.find(read, caller.organization, deployment)
        if row is None or row["ready"] is None:
            raise ReferenceMissing("there is no reference: set the training data first")
        if feature not in row["features"]:
            raise FeatureUnknown(feature, row["features"])
        live = await references.live_features(
            read, caller.organization, deployment, row["id"], limit=row["window"]
        )
    try:
        basis = await basis_of(parts, row)
    except BlobNotFound as error:
        raise ReferenceMissing("the reference is gone: set the training data anew") from error
    if not live:
        raise ReferenceMissing("no image has been compared with the reference yet")
    at = basis.names.index(feature)

    def draw() -> DriftCurvesDto:
        window = live_values([one["features"] for one in live])[:, at]
        found = ks.curves(basis.sample[:, at], window)
        codes = ks.rank_codes(basis.ordered[at : at + 1], window[:, None])
        x = found.x.tolist()
        return DriftCurvesDto(
            feature=feature,
            live=CurveDto(x=x, f=found.window.tolist()),
            reference=CurveDto(x=x, f=found.reference.tolist()),
            d=float(ks.statistics(np.ascontiguousarray(codes.T), n=len(basis.sample))[0]),
            threshold=basis.distance,
        )

    return await asyncio.to_thread(draw)
