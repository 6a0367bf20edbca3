"""Uploads that became nothing are gone after a day, in a folder and in a bucket."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from libs.blobs.blobs import Blobs
from libs.blobs.opening import open_blobs
from services.ingest.workers.uploads import clear
from tests.contract.test_blobs import ORIGIN, blobs, blobs_url, keys_of  # noqa: F401

_DAY = timedelta(days=1)


async def put(store: Blobs, *keys: str) -> None:
    for key in keys:
        await store.put(key, b"x", content_type="image/png")


async def test_uploads_and_parts_go_and_pictures_stay(blobs: Blobs) -> None:  # noqa: F811
    first, second = (f"ingest/{uuid4()}" for _ in range(2))
    pictures = [f"{of}/data/ab/{uuid4()}.png" for of in (first, second)]
    await put(
        blobs, *pictures, f"{first}/uploads/a/one.png", f"{second}/uploads/b/two.png",
        *(f"{second}/parts/{upload}/{number}" for upload in "ab" for number in range(1, 12)),
    )  # fmt: skip
    now = datetime.now(UTC)
    await clear(blobs, before=now - _DAY)
    assert len(await keys_of(blobs, f"{second}/")) == 24
    # The bucket is shared with other tests: what counts is what is left of ours.
    assert await clear(blobs, before=now + _DAY) >= 24
    assert [*await keys_of(blobs, f"{first}/"), *await keys_of(blobs, f"{second}/")] == pictures


async def test_the_parts_of_an_upload_that_goes_on_are_not_cut(tmp_path: Path) -> None:
    async with open_blobs(f"file://{tmp_path}", public_url=ORIGIN) as store:
        of = f"ingest/{uuid4()}/parts"
        await put(store, f"{of}/a/1", f"{of}/a/2", f"{of}/b/1", f"{of}/b/2")
        old = (datetime.now(UTC) - 3 * _DAY).timestamp()
        for part in ("a/1", "a/2", "b/1"):
            os.utime(tmp_path / "objects" / of / f"{part}~", (old, old))
        assert await clear(store, before=datetime.now(UTC) - _DAY) == 2
        assert await keys_of(store, f"{of}/") == [f"{of}/b/1", f"{of}/b/2"]
