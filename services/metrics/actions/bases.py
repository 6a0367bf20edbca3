"""References as they are stored, and the one that is in use."""

import asyncio
from uuid import UUID

from sqlalchemy import RowMapping

from services.metrics.core.basis import Basis
from services.metrics.parts import Metrics


def basis_key(organization: UUID, reference: UUID) -> str:
    """Where a reference lies."""
    return f"metrics/{organization}/references/{reference}.npz"


async def basis_of(parts: Metrics, row: RowMapping) -> Basis:
    """The reference of a row that is ready; kept in memory. Raises BlobNotFound."""
    kept = parts.bases.get(row["id"])
    if kept is not None:
        return kept
    data = await parts.blobs.get(row["key"])
    return parts.bases.put(row["id"], await asyncio.to_thread(Basis.from_bytes, data))
