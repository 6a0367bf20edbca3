"""Tags of what a service has: names, each for one kind of thing, and what has them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from libs.schemas.tags import TagTarget, new_tag_id
from libs.store.session import Read, Tx
from libs.store.tables import Timestamp

NOWHERE = UUID(int=0)


class TagNameTaken(Exception):
    """There is another tag of that name for the same kind of thing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a tag {name!r} already")


@dataclass(frozen=True, slots=True)
class Taggable:
    """A table of things that have tags. `within`: its column that bounds a tag, if one does."""

    table: Table
    within: str | None = None


class Tags:
    """The tags of one service, in two tables of its metadata.

    `within` bounds a tag of assets to their version; NOWHERE for all others.
    """

    def __init__(self, metadata: MetaData, targets: Mapping[TagTarget, Taggable]) -> None:
        self.targets = targets
        self._tag = Table(
            "tag",
            metadata,
            Column("id", Uuid, primary_key=True),
            Column("organization", Uuid, nullable=False),
            Column("target", Text, nullable=False),
            Column("within", Uuid, nullable=False),
            Column("name", Text, nullable=False),
            Column("created", Timestamp, nullable=False),
            UniqueConstraint("organization", "target", "within", "name", name="tag_once"),
        )
        self._tagged = Table(
            "tagged",
            metadata,
            Column("object", Uuid, primary_key=True),
            Column("tag", Uuid, primary_key=True),
            Column("organization", Uuid, nullable=False),
            Index("tagged_by_tag", "tag", "object"),
        )

    async def make(
        self, tx: Tx, organization: UUID, target: TagTarget, name: str, *, within: UUID = NOWHERE
    ) -> RowMapping:
        """A tag; one that is there is it."""
        row = upsert(self._tag).values(
            id=new_tag_id(target),
            organization=organization,
            target=target,
            within=within,
            name=name,
            created=tx.clock.now(),
        )
        await tx.execute(row.on_conflict_do_nothing(constraint="tag_once"))
        (found,) = await self.listed(tx, organization, target, within=within, name=name)
        return found

    async def listed(
        self,
        read: Read,
        organization: UUID,
        target: TagTarget | None = None,
        *,
        within: UUID | None = None,
        name: str | None = None,
    ) -> list[RowMapping]:
        """Tags by name; of all that is given, where it is given."""
        query = self._of(organization)
        wanted = {"target": target, "within": within, "name": name}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(self._tag.c[column] == value)
        return await read.all(query.order_by(self._tag.c.name, self._tag.c.id))

    async def find(self, read: Read, organization: UUID, tag: UUID) -> RowMapping | None:
        """A tag by its id."""
        return await read.first(self._of(organization).where(self._tag.c.id == tag))

    async def rename(self, tx: Tx, organization: UUID, tag: UUID, name: str) -> RowMapping | None:
        """None: there is no such tag. Raises TagNameTaken, and the transaction ends."""
        renamed = update(self._tag).where(*self._is(organization, tag)).values(name=name)
        try:
            await tx.execute(renamed)
        except IntegrityError as error:
            raise TagNameTaken(name) from error
        return await self.find(tx, organization, tag)

    async def delete(self, tx: Tx, organization: UUID, tag: UUID) -> bool:
        """Forget a tag and who has it; False where there is none."""
        gone = await tx.execute(
            delete(self._tag).where(*self._is(organization, tag)).returning(self._tag.c.id)
        )
        if gone.first() is None:
            return False
        await tx.execute(
            delete(self._tagged).where(
                self._tagged.c.organization == organization, self._tagged.c.tag == tag
            )
        )
        return True

    async def attach(
        self, tx: Tx, organization: UUID, tag: RowMapping, objects: Collection[UUID]
    ) -> int:
        """Give things a tag; returns how many had it not. What is not its kind is left out."""
        of = self.targets[TagTarget(tag["target"])]
        things = of.table.c
        wanted = [things.organization == organization, things.id.in_(objects)]
        if of.within is not None:
            wanted.append(things[of.within] == tag["within"])
        there = [row["id"] for row in await tx.all(select(things.id).where(*wanted))]
        if not there:
            return 0
        given = upsert(self._tagged).values(
            [{"object": one, "tag": tag["id"], "organization": organization} for one in there]
        )
        made = await tx.execute(given.on_conflict_do_nothing().returning(self._tagged.c.object))
        return len(made.all())

    async def detach(
        self, tx: Tx, organization: UUID, tag: RowMapping, objects: Collection[UUID]
    ) -> int:
        """Take a tag from things; returns how many had it."""
        gone = await tx.execute(
            delete(self._tagged)
            .where(
                self._tagged.c.organization == organization,
                self._tagged.c.tag == tag["id"],
                self._tagged.c.object.in_(objects),
            )
            .returning(self._tagged.c.object)
        )
        return len(gone.all())

    async def of(
        self, read: Read, organization: UUID, objects: Collection[UUID]
    ) -> dict[UUID, list[RowMapping]]:
        """The tags of things, by name; those without any are left out."""
        rows = await read.all(
            select(self._tagged.c.object, self._tag)
            .join(self._tag, self._tag.c.id == self._tagged.c.tag)
            .where(self._tagged.c.organization == organization, self._tagged.c.object.in_(objects))
            .order_by(self._tag.c.name)
        )
        found: dict[UUID, list[RowMapping]] = {}
        for row in rows:
            found.setdefault(row["object"], []).append(row)
        return found

    async def having(
        self, read: Read, organization: UUID, tag: UUID, *, after: UUID | None, limit: int
    ) -> list[UUID]:
        """The ids of the things that have a tag, in their order; one more than `limit`."""
        query = select(self._tagged.c.object).where(
            self._tagged.c.organization == organization, self._tagged.c.tag == tag
        )
        if after is not None:
            query = query.where(self._tagged.c.object > after)
        rows = await read.all(query.order_by(self._tagged.c.object).limit(limit + 1))
        return [row["object"] for row in rows]

    def _of(self, organization: UUID) -> "Select[tuple[object, ...]]":
        return select(self._tag).where(self._tag.c.organization == organization)

    def _is(self, organization: UUID, tag: UUID) -> Sequence[ColumnElement[bool]]:
        return self._tag.c.organization == organization, self._tag.c.id == tag
