"""A deployment: log its predictions, read them, review them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sightloop_sdk import calls, monitoring, reviewing
from sightloop_sdk.buffer import BufferedMonitor, Buffering
from sightloop_sdk.convert.outputs import is_ready
from sightloop_sdk.errors import Busy, SightloopError, Unreachable
from sightloop_sdk.ids import Ref, id_of
from sightloop_sdk.listing import Listing
from sightloop_sdk.monitoring import Accepted, Bulk
from sightloop_sdk.progress import Progress
from sightloop_sdk.record import Options, Record, Target, prepare
from sightloop_sdk.transport import Transport
from sightloop_sdk.values import (
    DeploymentInfo,
    Detail,
    Predicted,
    Queued,
    Review,
    ReviewShapes,
    Submitted,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

_AT_ONCE = 2
_PORTION_TRIES = 8


class Deployment:
    """A deployment, opened by `Client.deployment`. Opened by its id, nothing is asked until
    something of it is needed: a machine may start without network."""

    def __init__(
        self, transport: Transport, named: UUID, *, known: DeploymentInfo | None, target: Target
    ) -> None:
        self.id = named
        self._transport = transport
        self._given = target
        if known is not None:
            self.__dict__["info"] = known

    def __repr__(self) -> str:
        return f"Deployment({self.id})"

    @cached_property
    def info(self) -> DeploymentInfo:
        """What the server says of it, asked once."""
        return self._transport.ask(get_deployment(self.id))

    def refresh(self) -> DeploymentInfo:
        """Ask again: champion, shadow and labelmap may have changed."""
        self.__dict__.pop("info", None)
        return self.info

    @property
    def labels(self) -> list[str]:
        """The champion's labelmap, in the order of its classes."""
        return list(self._given.labels or self.info.champion.labels)

    def monitor(
        self,
        image: Any,
        latency: float,
        height: int | None = None,
        width: int | None = None,
        prediction: Any = None,
        **options: Unpack[Options],
    ) -> Accepted:
        """Log a prediction; returns when it is durable at the server.

        `image`: a path, bytes, an http(s) address, a PIL image, a numpy array, or None. `latency`
        in seconds. `height`, `width` in pixels, read from the picture if not given. `prediction`:
        see `to_prediction`. The rest: see `Options`. Tried again while the server is away,
        under one id: never logged twice.

        Raises:
            InvalidPrediction, UnknownLabel, UnreadableImage, MissingExtra: nothing was sent.
            ApiError: the server refused it. Unreachable: it is away.
        """
        record = Record(image, latency, height, width, prediction, **options)
        prepared = prepare(record, self._target(record.prediction))
        return self._transport.ask(monitoring.one(self.id, prepared.finished()))

    def monitor_many(self, records: Iterable[Record], *, progress: bool = False) -> Bulk:
        """Log many, in batches. What is wrong or refused is in `Bulk.rejected`; nothing is raised
        for a single prediction. `progress`: show a bar (needs rich)."""
        bulk = Bulk()
        target = Target(self._given.task, self._given.labels) if self._known else self._asked()
        total = len(records) if isinstance(records, Sequence) else None
        with Progress("predictions", total, shown=progress) as bar:
            portions = monitoring.portions(monitoring.checked(records, target, bulk))
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                waiting: list[Any] = []
                for portion in portions:
                    waiting.append(pool.submit(self._portion, portion, bulk))
                    if len(waiting) > _AT_ONCE:
                        bar.forward(waiting.pop(0).result())
                for future in waiting:
                    bar.forward(future.result())
        bulk.rejected.sort(key=lambda one: one.index)
        return bulk

    def buffered(self, policy: Buffering | None = None) -> BufferedMonitor:
        """A monitor for inference loops: its call takes microseconds, the rest happens behind.

        Raises:
            SpoolUnusable: the folder of the spool cannot be written.
        """
        target = self._given
        if not self._known:
            try:
                target = self._asked()
            except (Unreachable, Busy):
                # It works without: class indices need no labelmap.
                target = self._given
        return BufferedMonitor(
            self._transport.access, self.id, policy=policy or Buffering(), target=target
        )

    def log_shadow(
        self,
        prediction: Ref,
        latency: float,
        output: Any,
        *,
        model_version: Ref | None = None,
    ) -> Accepted:
        """Log the shadow's answer to a logged prediction. Raises Conflict: it has one."""
        return self._transport.ask(
            monitoring.shadow(
                self.id, prediction, latency=latency, output=output,
                model_version=model_version, target=self._target(output),
            )
        )  # fmt: skip

    def predictions(self, **filters: Unpack[reviewing.Filters]) -> Listing[Predicted]:
        """Logged predictions, the newest first unless asked otherwise."""
        return Listing(
            self._transport,
            lambda cursor: reviewing.predictions(self.id, filters, cursor),
            row=reviewing.row,
        )

    def prediction(self, named: Ref) -> Detail:
        """One prediction, its reviews, and how far its submission is."""
        return self._transport.ask(reviewing.prediction(self.id, id_of(named, "prediction")))

    def counts(self) -> dict[str, int]:
        """How many predictions there are of each status."""
        return self._transport.ask(reviewing.counts(self.id))

    def queue(self) -> Listing[Queued]:
        """What is to be reviewed, in the order it is to be served."""
        return Listing(
            self._transport, lambda cursor: reviewing.queue(self.id, cursor), row=reviewing.row
        )

    def review(
        self,
        one: Predicted,
        shapes: ReviewShapes | None = None,
        *,
        start: str = "CHAMPION",
    ) -> Review:
        """Save a review of a prediction as it was read.

        `shapes`: the ground truth; none in it: nothing is there; None: accept the champion's
        answer from the deployment's threshold up. `start`: what the reviewer saw first. What
        `queue()` gave keeps its draw, and with it its weight in the verdict.

        Raises:
            Conflict: somebody has saved a review since it was read.
        """
        if shapes is None:
            threshold = self.info.threshold
            shapes = reviewing.ground_truth(one.champion.shapes, self.labels, threshold=threshold)
        draw = one.draw if isinstance(one, Queued) else None
        return self._transport.ask(
            reviewing.review(self.id, one.id, shapes, revision=one.revision, start=start, draw=draw)
        )

    def skip(self, named: Ref, reason: str) -> None:
        """Leave an image of the queue out."""
        self._transport.ask(reviewing.skip(self.id, id_of(named, "prediction"), reason))

    def submit(
        self,
        named: Sequence[Ref] | None = None,
        *,
        targets: Sequence[Ref] = (),
    ) -> Submitted:
        """Submit reviewed predictions to datasets. None: all that are reviewed. `targets`: dataset
        versions, by default those of the feedback loop."""
        chosen = None if named is None else [id_of(one, "prediction") for one in named]
        into = [id_of(one, "target") for one in targets]
        return self._transport.ask(reviewing.submit(self.id, chosen, into))

    def delete(self, named: Ref, *, erase: bool = False) -> None:
        """Delete a prediction; every number subtracts it. `erase`: its picture everywhere, too."""
        self._transport.ask(reviewing.delete(self.id, id_of(named, "prediction"), erase=erase))

    @property
    def _known(self) -> bool:
        return self._given.labels is not None and self._given.task is not None

    def _asked(self) -> Target:
        return Target(self._given.task or self.info.type, self.labels)

    def _target(self, output: Any) -> Target:
        """A ready prediction needs nothing from the server; another's output may."""
        return self._given if self._known or is_ready(output) else self._asked()

    def _portion(self, portion: list[tuple[int, UUID, bytes]], bulk: Bulk) -> int:
        left, tried = portion, 0
        while left:
            tried += 1
            try:
                answers = self._transport.ask(
                    monitoring.batch(self.id, [line for _, _, line in left])
                )
            except SightloopError as error:
                monitoring.give_up(left, error, bulk)
                break
            left = monitoring.sort_out(left, answers, bulk)
            if left and tried >= _PORTION_TRIES:
                monitoring.give_up(left, Busy(503, {"detail": "the server is too busy"}), bulk)
                break
            self._transport.rest(tried if left else 0)
        return len(portion)


def get_deployment(named: UUID) -> calls.Ask[DeploymentInfo]:
    return calls.get(f"/api/deployer/v1/deployments/{named}", DeploymentInfo)
