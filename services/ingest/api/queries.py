"""Queries over the Datalake: what they may name, and what they want."""

from libs.api.queries import read_query
from libs.api.tokens import Caller
from libs.query.fields import Fields
from libs.query.tree import Expression
from libs.store.session import Read
from services.ingest.core import asking
from services.ingest.store.asking import recent_metadata, recent_names


async def fields_of(read: Read, caller: Caller) -> Fields:
    """What a query over the images of the caller's organisation may name, with values."""
    tags, sources = await recent_names(read, caller.organization)
    metadata = await recent_metadata(read, caller.organization)
    return asking.fields(tags=tags, sources=sources, metadata=metadata)


async def query_of(read: Read, caller: Caller, text: str) -> Expression | None:
    """The query; None asks for everything. Raises Problem 422 with the column."""
    if not text.strip():
        return None
    # Only what is said of metadata depends on the images that there are.
    known = await recent_metadata(read, caller.organization) if "metadata." in text else None
    return read_query(text, asking.fields(metadata=known))
