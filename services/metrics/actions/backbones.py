"""Backbones: tried before they are kept, opened where they are needed, taken away."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import structlog
from sqlalchemy import RowMapping

from libs.blobs.blobs import BlobNotFound
from libs.schemas.events import State
from libs.schemas.ids import uuid7
from libs.store.session import Cause, Tx
from services.metrics.actions.embedder import Embedder, embedder
from services.metrics.actions.training import make_anew
from services.metrics.core.backbone import Scaling
from services.metrics.errors import BackboneNameTaken, BackboneRefused, BackboneUnknown
from services.metrics.parts import Metrics
from services.metrics.store import backbones

_MOST_OPEN = 2
_REST = 60.0
log = structlog.get_logger()


async def keep(
    parts: Metrics, organization: UUID, name: str, content: bytes, *, scaling: Scaling, actor: str
) -> RowMapping:
    """Try a network on a picture, in a process of its own, and keep it.

    Raises BackboneRefused, BackboneNameTaken, TooManyBackbones.
    """
    async with parts.database.read() as read:
        await backbones.refuse_another(read, organization, name, most=parts.settings.backbones)
    # One at a time: each may take as much memory as is allowed.
    async with parts.trying, embedder(parts.settings, content, scaling) as tried:
        values = tried.values
    backbone = uuid7(parts.clock.now())
    key = _key(organization, backbone)
    await parts.blobs.put(key, content, content_type="application/octet-stream")
    row = {
        "id": backbone,
        "organization": organization,
        "name": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "scaling": str(scaling),
        "features": values,
        "created": parts.clock.now(),
    }
    async with parts.database.begin(Cause(actor=actor)) as tx:
        added = await backbones.add(tx, row)
        made = await backbones.find(tx, organization, backbone)
    if not added or made is None:
        await parts.blobs.delete(key)
        raise BackboneNameTaken(f"there is a backbone {name!r} already")
    return made


async def choose(
    parts: Metrics, tx: Tx, organization: UUID, deployment: UUID, *, backbone: UUID | None
) -> UUID | None:
    """Make the deployment's references with this backbone; the job, where there is a reference.

    Raises BackboneUnknown.
    """
    if backbone is not None and await backbones.find(tx, organization, backbone) is None:
        raise BackboneUnknown(f"there is no backbone {backbone}")
    await backbones.choose(tx, organization, deployment, backbone)
    return await _make_anew(parts, tx, organization, deployment)


async def remove(parts: Metrics, organization: UUID, backbone: UUID, *, actor: str) -> None:
    """Take a backbone away: the references that it made are made anew with the built-in net.

    Raises BackboneUnknown.
    """
    async with parts.database.begin(Cause(actor=actor)) as tx:
        gone = await backbones.remove(tx, organization, backbone)
        if gone is None:
            raise BackboneUnknown(f"there is no backbone {backbone}")
        for deployment in await backbones.forget_choices(tx, organization, backbone):
            await _make_anew(parts, tx, organization, deployment)
    await parts.blobs.delete(_key(organization, backbone))


def _key(organization: UUID, backbone: UUID) -> str:
    return f"metrics/{organization}/backbones/{backbone}.onnx"


async def _make_anew(parts: Metrics, tx: Tx, organization: UUID, deployment: UUID) -> UUID | None:
    known = parts.deployments.get(str(deployment))
    if known is None or known.data.state is State.DELETED:
        return None
    return await make_anew(tx, organization, known.data)


@asynccontextmanager
async def opened(parts: Metrics, organization: UUID, backbone: UUID) -> AsyncIterator[Embedder]:
    """A backbone that runs, until the block ends. Raises BackboneUnknown, BackboneRefused."""
    async with parts.database.read() as read:
        row = await backbones.find(read, organization, backbone)
    try:
        content = None if row is None else await parts.blobs.get(_key(organization, backbone))
    except BlobNotFound:
        content = None
    if row is None or content is None:
        raise BackboneUnknown(f"there is no backbone {backbone}")
    async with embedder(parts.settings, content, Scaling(row["scaling"])) as running:
        yield running


class Running:
    """The backbones that a loop has open, a few at a time. `close` ends them.

    One that cannot be opened is left alone for a minute.
    """

    def __init__(self, parts: Metrics) -> None:
        self._parts = parts
        self._open: dict[UUID, tuple[Embedder, AsyncExitStack]] = {}
        self._refused: dict[UUID, float] = {}

    async def get(self, organization: UUID, backbone: UUID) -> Embedder | None:
        """The backbone, running; None where it cannot be for now."""
        now = self._parts.clock.monotonic()
        if self._refused.get(backbone, now) > now:
            return None
        held = self._open.pop(backbone, None)
        if held is not None and held[0].failed is not None:
            await held[1].aclose()
            held = None
        if held is None:
            while len(self._open) >= _MOST_OPEN:
                oldest = next(iter(self._open))
                await self._open.pop(oldest)[1].aclose()
            stack = AsyncExitStack()
            try:
                held = (
                    await stack.enter_async_context(opened(self._parts, organization, backbone)),
                    stack,
                )
            except (BackboneUnknown, BackboneRefused) as error:
                log.warning("a backbone cannot be used", backbone=str(backbone), error=str(error))
                self._refused[backbone] = now + _REST
                return None
        self._open[backbone] = held
        return held[0]

    async def close(self) -> None:
        while self._open:
            _, (_, stack) = self._open.popitem()
            await stack.aclose()
