"""How one version became another."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from libs.api.problems import invalid
from libs.schemas.manifest import Manifest, ManifestAsset
from services.feedback.actions.answering import answered
from services.feedback.actions.settling import settled_manifest
from services.feedback.api.asked import Parts, Reader
from services.feedback.core.contents import Changes, changes, difference, label_shares
from services.feedback.dto import ChangedDto, DifferenceDto, changed_dto, difference_dto
from services.feedback.store import assets

router = APIRouter(prefix="/api/feedback/v1/versions", tags=["feedback"])
Base = Annotated[UUID, Query()]
_Pair = tuple[ManifestAsset | None, ManifestAsset | None]


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@router.get("/{version}/difference")
async def get_difference(version: UUID, parts: Parts, caller: Reader, base: Base) -> DifferenceDto:
    """How the version `base` became this one, with the shares of its labels."""
    old, new = await _manifests(parts, caller, base, version)

    def found() -> DifferenceDto:
        shares = label_shares(old.assets, new.assets, new.header.labels)
        return difference_dto(difference(old.assets, new.assets), shares)

    return await asyncio.to_thread(found)


@router.get("/{version}/difference/images")
async def list_changes(
    version: UUID,
    parts: Parts,
    caller: Reader,
    base: Base,
    kind: ChangeKind,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[ChangedDto]:
    """The pictures that were added, removed or annotated otherwise since `base`.

    A cursor is of two contents: it is refused once one of them has changed.
    """
    old, new = await _manifests(parts, caller, base, version)
    of = f"{kind}:{old.header.digest}:{new.header.digest}"[:160]
    place, first = read_cursor(cursor, tuple[str, int]) or (of, 0)
    if place != of or first < 0:
        raise invalid("the versions have changed since", [("cursor", "begin again without it")])
    pairs = _pairs(await asyncio.to_thread(changes, old.assets, new.assets), kind)
    shown = pairs[first : first + limit]
    owner = base if kind is ChangeKind.REMOVED else version
    wanted = [_shown(pair).data for pair in shown]
    async with parts.database.read() as read:
        there = await assets.ids_of(read, caller.organization, owner, wanted)
    return Page(
        items=[changed_dto(*pair, asset=there.get(_shown(pair).data)) for pair in shown],
        next_cursor=write_cursor(of, first + limit) if len(pairs) > first + limit else None,
    )


async def _manifests(
    parts: Parts, caller: Reader, base: UUID, version: UUID
) -> tuple[Manifest, Manifest]:
    with answered():
        old = await settled_manifest(parts, caller.organization, base)
        return old, await settled_manifest(parts, caller.organization, version)


def _pairs(found: Changes, kind: ChangeKind) -> Sequence[_Pair]:
    match kind:
        case ChangeKind.ADDED:
            return [(None, asset) for asset in found.added]
        case ChangeKind.REMOVED:
            return [(asset, None) for asset in found.removed]
        case ChangeKind.CHANGED:
            return found.changed


def _shown(pair: _Pair) -> ManifestAsset:
    shown = pair[1] or pair[0]
    assert shown is not None
    return shown
