"""From a place to its contents."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.ingest.actions.places.buckets import BucketOutside
from services.ingest.actions.places.folders import FolderOutside
from services.ingest.actions.places.naming import Place
from services.ingest.actions.places.outside import Outside


@asynccontextmanager
async def open_place(place: Place) -> AsyncIterator[Outside]:
    """A place, open until the block ends."""
    if place.bucket is None:
        yield FolderOutside(place.folder)
        return
    bucket = BucketOutside(place.bucket, prefix=place.prefix)
    try:
        yield bucket
    finally:
        await bucket.close()
