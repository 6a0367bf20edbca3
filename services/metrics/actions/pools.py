"""Quality of a detector over a range of reviewed images, from pools that follow the store."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.schemas.values import DeployedModel
from libs.store.session import Read
from libs.vision.pool import Pool
from services.metrics.core.ranges import Range
from services.metrics.core.supervised import quality
from services.metrics.core.supervised.pools import KEY, brought
from services.metrics.parts import Metrics
from services.metrics.store import pools

Document = dict[str, Any]


async def of_models(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: UUID,
    asked: Range,
    *,
    models: Sequence[DeployedModel],
    names: list[str],
) -> tuple[int, list[Document | None]]:
    """How many images are reviewed, and of each model the quality of its answers to them."""
    which = organization, deployment
    reviewed, tokens = await pools.tokens_of_range(
        read, *which, asked.start, asked.end, versions=[model.version for model in models]
    )
    documents = [
        await _of_model(parts, read, *which, asked, model=model, wanted=wanted, names=names)
        for model, wanted in zip(models, tokens, strict=True)
    ]
    return reviewed, documents


async def _of_model(
    parts: Metrics,
    read: Read,
    organization: UUID,
    deployment: UUID,
    asked: Range,
    *,
    model: DeployedModel,
    wanted: frozenset[bytes],
    names: list[str],
) -> Document | None:
    held = parts.pools.of(deployment, model.version, asked.end - asked.start)
    async with held.lock:
        pool, tokens = held.take()
        ids = [UUID(bytes=token[:KEY]) for token in wanted - tokens]
        new = (
            await pools.states_of(read, organization, deployment, ids, version=model.version)
            if ids
            else {}
        )

        def judged() -> tuple[Pool | None, Document | None]:
            if pool is None and not parts.pools.fits(sum(map(len, new.values()))):
                states = [new[key] for key in sorted(new)]
                return None, quality.detection(states, names=names, threshold=model.threshold)
            all_ = brought(pool, held=tokens, wanted=wanted, new=new)
            if not len(all_):
                return all_, None
            return all_, quality.of_pool(all_, names=names, threshold=model.threshold)

        pool, document = await asyncio.to_thread(judged)
        if pool is not None:
            held.pool, held.tokens = pool, wanted
    parts.pools.trim()
    return document
