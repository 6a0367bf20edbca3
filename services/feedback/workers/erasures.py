"""An erased image leaves every dataset version, and its picture the blob store."""

from uuid import UUID

from libs.store.workers import JobRun
from services.feedback.parts import Feedback
from services.feedback.store import assets, datasets

KIND = "erasure"


async def erase(parts: Feedback, run: JobRun) -> None:
    """The job. Manifests that were written keep the picture's hash, so lineage stays true."""
    organization, data = run.job.organization, UUID(run.job.payload["data"])
    async with parts.database.begin() as tx:
        await assets.own_pictures(tx, organization)
        await assets.remember_erased(tx, organization, data)
        gone = await assets.delete_assets(tx, organization, data)
        for version in sorted({row["dataset_version"] for row in gone}):
            await datasets.touch(tx, organization, version)
        for sha256, key in {(row["picture_sha256"], row["picture_key"]) for row in gone}:
            if not await assets.picture_in_use(tx, organization, sha256):
                await parts.blobs.delete(key)
                await parts.thumbnails.forget(assets.thumbnails_of(organization), sha256=sha256)
