"""Tags of many images at once, and the names that there are."""

from uuid import UUID

from fastapi import APIRouter

from libs.api.problems import invalid
from libs.store.session import Cause
from services.ingest import store
from services.ingest.api.asked import Parts, Reader, Writer
from services.ingest.api.queries import query_of
from services.ingest.dto import NamesDto, TaggedDto, TagsBody
from services.ingest.store import vocabulary
from services.ingest.store.asking import recent_names

router = APIRouter(prefix="/api/ingest/v1/data", tags=["datalake"])
_MOST = 10_000
_AT_ONCE = 1000


@router.get("/names")
async def list_names(parts: Parts, caller: Reader) -> NamesDto:
    """Tags and sources worth proposing: those somebody made, and those of the last images."""
    async with parts.database.read() as read:
        tags, sources = await recent_names(read, caller.organization)
    return NamesDto(tags=list(tags), sources=list(sources))


@router.post("/tags")
async def change_tags(parts: Parts, caller: Writer, body: TagsBody) -> TaggedDto:
    """Give images tags and take others from them: those named, or all that a query finds.

    Images that are gone do not matter. A query may find 10,000 images at most.
    """
    organization = caller.organization
    images = body.images
    if images is None:
        images = await _found(parts, caller, body.q or "")
    changed: set[UUID] = set()
    for first in range(0, len(images), _AT_ONCE):
        some = images[first : first + _AT_ONCE]
        async with parts.database.begin(Cause(actor=caller.actor)) as tx:
            for name in body.add:
                await vocabulary.add_name(tx, organization, vocabulary.Kind.TAG, name)
                changed |= await vocabulary.tag(tx, organization, name, some, attach=True)
            for name in body.remove:
                changed |= await vocabulary.tag(tx, organization, name, some, attach=False)
    return TaggedDto(changed=len(changed), images=len(images))


async def _found(parts: Parts, caller: Writer, text: str) -> list[UUID]:
    async with parts.database.read() as read:
        wanted = await query_of(read, caller, text)
        found = await store.find_ids(read, caller.organization, wanted, limit=_MOST)
    if len(found) > _MOST:
        raise invalid(
            f"the query finds more than {_MOST} images",
            [("q", f"narrow it: at most {_MOST} are tagged at once")],
        )
    return found
