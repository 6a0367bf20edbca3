"""Annotations of a dataset version, as the existing client writes and loads them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from libs.api.compat import XGET, compat_router
from libs.api.problems import not_found
from libs.store.session import Cause
from services.feedback.compat.asked import Parts, Reader, Writer, answered
from services.feedback.compat.shapes import Sent, annotation_json, annotation_of
from services.feedback.store import annotating, assets, datasets
from services.feedback.store.annotating import Wanted

router = compat_router()
_VERSION = "/api/dataset/version/{version}"
_PAGE = 1000
_EVERY = 1_000_000
Ids = Annotated[list[UUID], Field(max_length=_PAGE)]


class AnnotationBody(Sent):
    """The shapes of one asset."""

    asset_id: UUID


class BulkBody(BaseModel):
    """Annotations of assets. CONCATENATE adds to what is there, KEEP leaves what is annotated."""

    import_type: Literal["REPLACE", "KEEP", "CONCATENATE"] = "REPLACE"
    status: str | None = None
    annotations: Annotated[list[AnnotationBody], Field(max_length=_PAGE)]


@router.post(_VERSION + "/bulk-annotations")
async def annotate(version: UUID, body: BulkBody, parts: Parts, caller: Writer) -> dict[str, int]:
    """Annotate assets; how many annotations and shapes were written."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            row = await datasets.open_version(tx, caller.organization, version)
            wanted = Wanted(ids=[one.asset_id for one in body.annotations])
            rows = await annotating.find_assets(
                tx, caller.organization, version, wanted, offset=0, limit=_PAGE
            )
            held = {one["id"]: one for one in rows}
            found = {}
            for index, sent in enumerate(body.annotations):
                if sent.asset_id not in held:
                    raise not_found(f"asset {sent.asset_id}")
                before = assets.annotation_of(held[sent.asset_id])
                if before is not None and body.import_type == "KEEP":
                    continue
                kept = before if body.import_type == "CONCATENATE" else None
                found[sent.asset_id] = annotation_of(
                    sent, held[sent.asset_id], datasets.labelled(row), version,
                    kept=kept, at=f"annotations[{index}]",
                )  # fmt: skip
            count = await annotating.annotate(tx, caller.organization, version, found)
    return {"annotations": count, "shapes": sum(len(one.labels) for one in found.values())}


@router.get(_VERSION + "/annotations/ids")
async def list_annotation_ids(
    version: UUID,
    parts: Parts,
    caller: Reader,
    asset_ids: Annotated[list[UUID] | None, Query(max_length=_PAGE)] = None,
    status: str | None = None,
) -> list[UUID]:
    """The ids of annotations: each asset has one, by its own id."""
    wanted = Wanted(ids=asset_ids, annotated=True)
    with answered():
        async with parts.database.read() as read:
            await datasets.find_version(read, caller.organization, version)
            rows = await annotating.find_assets(
                read, caller.organization, version, wanted, offset=0, limit=_EVERY
            )
    return [row["id"] for row in rows]


@router.api_route(_VERSION + "/annotations", methods=[XGET])
async def load_annotations(
    version: UUID, body: Ids, parts: Parts, caller: Reader
) -> list[dict[str, Any]]:
    """Annotations by their ids, with their shapes."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            rows = await annotating.find_assets(
                read, caller.organization, version, Wanted(ids=body, annotated=True),
                offset=0, limit=_PAGE,
            )  # fmt: skip
    return [annotation_json(one, datasets.labelled(row).type, version) for one in rows]


@router.get(_VERSION + "/stats")
async def get_stats(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """How many annotations, and objects by label."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
            rows = await annotating.find_assets(
                read, caller.organization, version, Wanted(annotated=True),
                offset=0, limit=_EVERY,
            )  # fmt: skip
    labels: dict[str, int] = dict.fromkeys(row["labels"], 0)
    for one in rows:
        for name in one["annotation"]["labels"]:
            labels[name] = labels.get(name, 0) + 1
    return {
        "label_repartition": labels,
        "nb_objects": sum(labels.values()),
        "nb_annotations": len(rows),
    }
