"""Which images a model was trained on."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from libs.schemas.manifest import ManifestAsset
from libs.store.session import Read, Tx
from services.deployer.tables import manifest, trained_image

_ROWS = 5000


async def unread(read: Read, organization: UUID, keys: Sequence[str]) -> list[str]:
    """Those manifests whose images are not held yet."""
    rows = await read.all(
        select(manifest.c.key).where(
            manifest.c.organization == organization, manifest.c.key.in_(keys)
        )
    )
    held = {row["key"] for row in rows}
    return [key for key in dict.fromkeys(keys) if key not in held]


async def keep(tx: Tx, organization: UUID, key: str, assets: Sequence[ManifestAsset]) -> None:
    """Keep the images of a manifest, which never changes."""
    made = await tx.execute(
        insert(manifest)
        .values(organization=organization, key=key, images=len(assets))
        .on_conflict_do_nothing()
        .returning(manifest.c.key)
    )
    if made.first() is None:
        return
    for start in range(0, len(assets), _ROWS):
        rows = [
            {
                "organization": organization,
                "manifest": key,
                "sha256": asset.sha256,
                "block": asset.block,
            }
            for asset in assets[start : start + _ROWS]
        ]
        await tx.execute(insert(trained_image).on_conflict_do_nothing(), rows)
