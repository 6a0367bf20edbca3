"""Training data as the existing client sets them."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from libs.api.compat import compat_router
from services.metrics.api.training import (
    Parts,
    Reader,
    Writer,
    delete_training_data,
    get_training_data,
    put_training_data,
)
from services.metrics.dto import TrainingDataBody

router = compat_router()
_PATH = "/api/deployment/{deployment}/pipeline/td"


class VersionBody(BaseModel):
    """The dataset version that the model was trained on."""

    dataset_version_id: UUID


@router.post(_PATH + "/setup")
async def set_up(
    deployment: UUID, body: VersionBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Compare with this version: a job makes its reference."""
    asked = TrainingDataBody(dataset_version=body.dataset_version_id)
    accepted = await put_training_data(deployment, parts, caller, asked)
    return {"job": {"id": accepted.job, "status": "RUNNING"}}


@router.get(_PATH + "/check")
async def check(deployment: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """How far the reference is: `status` and what it is of."""
    known = await get_training_data(deployment, parts, caller)
    return {
        "status": known.state,
        "dataset_version_id": known.dataset_version,
        "images": known.images,
        "error": known.error,
    }


@router.put(_PATH + "/disable")
async def disable(deployment: UUID, parts: Parts, caller: Writer) -> dict[str, Any]:
    """Switch outlier score and drift off."""
    await delete_training_data(deployment, parts, caller)
    return {"active": False}
