"""Labels of dataset versions, as the existing client makes them: one by one, or many at once."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.compat import XGET, compat_router
from libs.api.problems import invalid, not_found
from libs.schemas.ids import derived, label_id
from libs.store.session import Cause
from services.feedback.compat.asked import Parts, Reader, Writer, answered
from services.feedback.dto import Name
from services.feedback.store import annotating, datasets

router = compat_router()
_VERSION = "/api/dataset/version/{version}"


class LabelBody(BaseModel):
    """A label to be made."""

    name: Name


class NamesBody(BaseModel):
    """Labels to be made where they are not there."""

    names: Annotated[list[Name], Field(max_length=10_000)]


class LabelChange(BaseModel):
    """A label's group is accepted and forgotten; its name stays."""

    name: Name | None = None
    group_id: UUID | None = None


class GroupBody(BaseModel):
    """A group of labels."""

    name: Name
    parent_id: UUID | None = None


@router.get(_VERSION + "/labels")
async def list_labels(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A version's labels. Their ids are derived."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
    items = [_label(version, name) for name in row["labels"]]
    return {"items": items, "count": len(items)}


@router.post(_VERSION + "/labels")
async def create_label(
    version: UUID, body: LabelBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Give a version one more label; one that is there is it."""
    await bulk_labels(version, NamesBody(names=[body.name]), parts, caller)
    return _label(version, body.name)


@router.get(_VERSION + "/labels/find")
async def find_label(version: UUID, name: str, parts: Parts, caller: Reader) -> dict[str, Any]:
    """A version's label by its name."""
    with answered():
        async with parts.database.read() as read:
            row = await datasets.find_version(read, caller.organization, version)
    if name not in row["labels"]:
        raise not_found(f"label {name!r}")
    return _label(version, name)


@router.api_route(_VERSION + "/bulk-labels", methods=[XGET])
async def bulk_labels(
    version: UUID, body: NamesBody, parts: Parts, caller: Writer
) -> list[dict[str, Any]]:
    """The labels of these names; those that were missing are made."""
    with answered():
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            await annotating.add_labels(tx, caller.organization, version, body.names)
    return [_label(version, name) for name in dict.fromkeys(body.names)]


@router.get(_VERSION + "/labelgroups")
async def list_groups(version: UUID, parts: Parts, caller: Reader) -> dict[str, Any]:
    """There are no groups: labels are flat."""
    await list_labels(version, parts, caller)
    return {"items": [], "count": 0}


@router.post(_VERSION + "/labelgroups")
async def create_group(
    version: UUID, body: GroupBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """A group is answered and not kept: imports with supercategories go on."""
    await list_labels(version, parts, caller)
    return {"id": derived("label group", version, body.name), "name": body.name}


@router.patch("/api/label/{label}")
async def change_label(
    label: UUID, body: LabelChange, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """The label as it is: annotations are by name, so it keeps its own."""
    async with parts.database.read() as read:
        name = await annotating.label_named(read, caller.organization, label)
    if name is None:
        raise not_found(f"label {label}")
    if body.name not in (None, name):
        raise invalid("a label cannot be renamed", [("name", f"stays {name!r}")])
    return {"id": label, "name": name, "group_id": None}


def _label(version: UUID, name: str) -> dict[str, Any]:
    return {"id": label_id(version, name), "name": name, "group_id": None}
