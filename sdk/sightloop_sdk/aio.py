"""The client on an event loop: what runs beside inference."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sightloop_sdk import calls, monitoring, reviewing
from sightloop_sdk.buffer import BufferedMonitor, Buffering
from sightloop_sdk.client import DEPLOYMENTS
from sightloop_sdk.convert.outputs import is_ready
from sightloop_sdk.deployment import get_deployment
from sightloop_sdk.errors import Busy, SightloopError, Unreachable
from sightloop_sdk.ids import Ref, id_of, is_id
from sightloop_sdk.listing import apages, missing
from sightloop_sdk.monitoring import Accepted, Bulk
from sightloop_sdk.record import Options, Record, Target, prepare
from sightloop_sdk.transport import Access, AsyncTransport, Retry
from sightloop_sdk.values import DeploymentInfo, Detail, Me, Predicted

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_PORTION_TRIES = 8


class AsyncClient:
    """A Sightloop server, for one event loop: `async with AsyncClient() as client`.

    It logs and reads predictions; datasets, models and experiments are `Client`'s.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retry: Retry | None = None,
    ) -> None:
        access = Access.find(url, token)
        self._transport = AsyncTransport(access, timeout=timeout, retry=retry or Retry())

    def __repr__(self) -> str:
        return f"AsyncClient({self._transport.access.url!r})"

    async def me(self) -> Me:
        """Whose token this is, and what it may do."""
        return await self._transport.ask(calls.get("/api/gateway/v1/me", Me))

    def deployments(self) -> AsyncIterator[DeploymentInfo]:
        """All deployments, the newest first."""
        return apages(
            self._transport,
            lambda cursor: calls.page(DEPLOYMENTS, DeploymentInfo, cursor=cursor, limit=200),
        )

    async def deployment(
        self,
        name_or_id: Ref,
        *,
        task: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> AsyncDeployment:
        """Open a deployment; see `Client.deployment`. Raises NotThere."""
        target = Target(task, None if labels is None else tuple(labels))
        if is_id(name_or_id):
            one = id_of(name_or_id, "deployment")
            return AsyncDeployment(self._transport, one, known=None, target=target)
        seen = []
        async for known in self.deployments():
            if known.name == name_or_id:
                return AsyncDeployment(self._transport, known.id, known=known, target=target)
            seen.append(known.name)
        raise missing("deployment", str(name_or_id), seen)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncDeployment:
    """A deployment, opened by `AsyncClient.deployment`."""

    def __init__(
        self,
        transport: AsyncTransport,
        named: UUID,
        *,
        known: DeploymentInfo | None,
        target: Target,
    ) -> None:
        self.id = named
        self._transport = transport
        self._known = known
        self._target = target

    def __repr__(self) -> str:
        return f"AsyncDeployment({self.id})"

    async def info(self) -> DeploymentInfo:
        """What the server says of it, asked once."""
        if self._known is None:
            self._known = await self._transport.ask(get_deployment(self.id))
        return self._known

    async def monitor(
        self,
        image: Any,
        latency: float,
        height: int | None = None,
        width: int | None = None,
        prediction: Any = None,
        **options: Unpack[Options],
    ) -> Accepted:
        """Log a prediction; see `Deployment.monitor`. Pictures are read and encoded in a thread."""
        record = Record(image, latency, height, width, prediction, **options)
        target = self._target if is_ready(record.prediction) else await self._asked()
        finished = await asyncio.to_thread(lambda: prepare(record, target).finished())
        return await self._transport.ask(monitoring.one(self.id, finished))

    async def monitor_many(self, records: Iterable[Record]) -> Bulk:
        """Log many, in batches; see `Deployment.monitor_many`."""
        bulk = Bulk()
        target = await self._asked()
        portions = monitoring.portions(monitoring.checked(records, target, bulk))
        while True:
            portion = await asyncio.to_thread(next, portions, None)
            if portion is None:
                break
            await self._portion(portion, bulk)
        bulk.rejected.sort(key=lambda one: one.index)
        return bulk

    async def buffered(self, policy: Buffering | None = None) -> BufferedMonitor:
        """A monitor whose call does not wait, so that it may be called on the event loop; see
        `Deployment.buffered`. Use it in `async with`, and `await aflush()`."""
        try:
            target = await self._asked()
        except (Unreachable, Busy):
            # It works without: class indices need no labelmap.
            target = self._target
        return await asyncio.to_thread(
            BufferedMonitor,
            self._transport.access,
            self.id,
            policy=policy or Buffering(),
            target=target,
        )

    async def log_shadow(
        self,
        prediction: Ref,
        latency: float,
        output: Any,
        *,
        model_version: Ref | None = None,
    ) -> Accepted:
        """Log the shadow's answer to a logged prediction. Raises Conflict: it has one."""
        target = self._target if is_ready(output) else await self._asked()
        return await self._transport.ask(
            monitoring.shadow(
                self.id, prediction, latency=latency, output=output,
                model_version=model_version, target=target,
            )
        )  # fmt: skip

    def predictions(self, **filters: Unpack[reviewing.Filters]) -> AsyncIterator[Predicted]:
        """Logged predictions, the newest first unless asked otherwise."""
        return apages(
            self._transport, lambda cursor: reviewing.predictions(self.id, filters, cursor)
        )

    async def prediction(self, named: Ref) -> Detail:
        """One prediction, its reviews, and how far its submission is."""
        return await self._transport.ask(reviewing.prediction(self.id, id_of(named, "prediction")))

    async def _asked(self) -> Target:
        given = self._target
        if given.task is not None and given.labels is not None:
            return given
        info = await self.info()
        return Target(given.task or info.type, given.labels or info.champion.labels)

    async def _portion(self, portion: list[tuple[int, UUID, bytes]], bulk: Bulk) -> None:
        left, tried = portion, 0
        while left:
            tried += 1
            try:
                answers = await self._transport.ask(
                    monitoring.batch(self.id, [line for _, _, line in left])
                )
            except SightloopError as error:
                monitoring.give_up(left, error, bulk)
                return
            left = monitoring.sort_out(left, answers, bulk)
            if left and tried >= _PORTION_TRIES:
                monitoring.give_up(left, Busy(503, {"detail": "the server is too busy"}), bulk)
                return
            if left:
                await asyncio.sleep(self._transport.retry.pause(tried))
