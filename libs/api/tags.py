"""The routes by which a service's tags are made, given and taken."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from libs.api.caller import needs
from libs.api.paging import CursorText, Limit, Page, page, read_cursor, write_cursor
from libs.api.problems import conflict, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.tags import TagTarget
from libs.store.session import Cause, Database, Read
from libs.store.tags import NOWHERE, TagNameTaken, Tags

MOST = 10_000


def _storable(name: str) -> str:
    if "\x00" in name or not name.strip():
        raise ValueError("is blank, or has the character U+0000")
    return name


Name = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_storable)]


class TagDto(BaseModel):
    """A tag. `within`: the dataset version whose assets may have it; null for other targets."""

    id: UUID
    target: TagTarget
    name: str
    within: UUID | None


class TagList(BaseModel):
    """Tags by name."""

    items: list[TagDto]


class NewTagBody(BaseModel):
    """A tag to be made."""

    model_config = ConfigDict(extra="forbid")

    target: TagTarget
    name: Name
    within: UUID | None = None


class TagNameBody(BaseModel):
    """A tag's new name."""

    model_config = ConfigDict(extra="forbid")

    name: Name


class TagObjectsBody(BaseModel):
    """What gets a tag, or loses it."""

    model_config = ConfigDict(extra="forbid")

    objects: Annotated[list[UUID], Field(max_length=MOST)]


class TagChanged(BaseModel):
    """`changed`: how many are other than before."""

    tag: TagDto
    changed: int


class TaggedObject(BaseModel):
    """Something that has a tag."""

    id: UUID


def tag_routes(
    service: str, database: Database, tags: Tags, *, read: Scope, write: Scope
) -> APIRouter:
    """`/api/<service>/v1/tags…`."""
    router = APIRouter(prefix=f"/api/{service}/v1/tags", tags=[service])

    @router.get("")
    async def list_tags(
        caller: Annotated[Caller, needs(read)],
        target: TagTarget | None = None,
        within: UUID | None = None,
        name: str | None = None,
    ) -> TagList:
        """Tags by name: all, or those for a kind of thing, or of a version's assets."""
        async with database.read() as session:
            rows = await tags.listed(session, caller.organization, target, within=within, name=name)
        return TagList(items=[tag_dto(row) for row in rows])

    @router.post("")
    async def make_tag(caller: Annotated[Caller, needs(write)], body: NewTagBody) -> TagDto:
        """Make a tag; one that is there is it."""
        within = _within(tags, body.target, body.within)
        async with database.begin(Cause(actor=caller.actor)) as tx:
            row = await tags.make(tx, caller.organization, body.target, body.name, within=within)
        return tag_dto(row)

    @router.get("/{tag}")
    async def get_tag(caller: Annotated[Caller, needs(read)], tag: UUID) -> TagDto:
        """One tag."""
        async with database.read() as session:
            return tag_dto(await _found(session, caller, tag))

    @router.patch("/{tag}")
    async def rename_tag(
        caller: Annotated[Caller, needs(write)], tag: UUID, body: TagNameBody
    ) -> TagDto:
        """Give a tag another name; what has it keeps it."""
        try:
            async with database.begin(Cause(actor=caller.actor)) as tx:
                row = await tags.rename(tx, caller.organization, tag, body.name)
        except TagNameTaken as error:
            raise conflict("name-taken", str(error)) from error
        if row is None:
            raise not_found(f"tag {tag}")
        return tag_dto(row)

    @router.delete("/{tag}", status_code=204)
    async def delete_tag(caller: Annotated[Caller, needs(write)], tag: UUID) -> None:
        """Forget a tag; nothing has it any more."""
        async with database.begin(Cause(actor=caller.actor)) as tx:
            if not await tags.delete(tx, caller.organization, tag):
                raise not_found(f"tag {tag}")

    @router.get("/{tag}/objects")
    async def list_objects(
        caller: Annotated[Caller, needs(read)],
        tag: UUID,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Page[TaggedObject]:
        """What has a tag, in the order of the ids."""
        after = read_cursor(cursor, tuple[UUID])
        async with database.read() as session:
            await _found(session, caller, tag)
            found = await tags.having(
                session, caller.organization, tag, after=after[0] if after else None, limit=limit
            )
        return page(found, limit, lambda one: TaggedObject(id=one), write_cursor)

    @router.post("/{tag}/attach")
    async def attach(
        caller: Annotated[Caller, needs(write)], tag: UUID, body: TagObjectsBody
    ) -> TagChanged:
        """Give things a tag; what is not of its kind, or is gone, does not matter."""
        async with database.begin(Cause(actor=caller.actor)) as tx:
            row = await _found(tx, caller, tag)
            changed = await tags.attach(tx, caller.organization, row, body.objects)
        return TagChanged(tag=tag_dto(row), changed=changed)

    @router.post("/{tag}/detach")
    async def detach(
        caller: Annotated[Caller, needs(write)], tag: UUID, body: TagObjectsBody
    ) -> TagChanged:
        """Take a tag from things."""
        async with database.begin(Cause(actor=caller.actor)) as tx:
            row = await _found(tx, caller, tag)
            changed = await tags.detach(tx, caller.organization, row, body.objects)
        return TagChanged(tag=tag_dto(row), changed=changed)

    async def _found(session: Read, caller: Caller, tag: UUID) -> RowMapping:
        row = await tags.find(session, caller.organization, tag)
        if row is None:
            raise not_found(f"tag {tag}")
        return row

    return router


def tag_dto(row: RowMapping) -> TagDto:
    """A tag as it is shown."""
    return TagDto(
        id=row["id"],
        target=TagTarget(row["target"]),
        name=row["name"],
        within=None if row["within"] == NOWHERE else row["within"],
    )


def _within(tags: Tags, target: TagTarget, within: UUID | None) -> UUID:
    of = tags.targets.get(target)
    if of is None:
        known = ", ".join(sorted(tags.targets))
        raise invalid(f"there are no tags of {target} here", [("target", f"there are {known}")])
    if (of.within is None) is not (within is None):
        what = "name it" if within is None else "leave it out"
        raise invalid("only a tag of assets is within a version", [("within", what)])
    return NOWHERE if within is None else within
