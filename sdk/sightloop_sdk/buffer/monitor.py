"""The buffered monitor: its call and its end."""

from __future__ import annotations

import asyncio
import atexit
import logging
import multiprocessing
import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sightloop_sdk.buffer.engine import Engine
from sightloop_sdk.buffer.policy import Buffering, Report, spool_folder
from sightloop_sdk.errors import MonitorClosed, NotFlushed, SpoolUnusable
from sightloop_sdk.record import Options, Record, Target, prepare
from sightloop_sdk.transport import Access

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

log = logging.getLogger("sightloop_sdk.buffer")


class BufferedMonitor:
    """Logs predictions without waiting for disk or network. Made by `Deployment.buffered`.

    Safe under threads, fork (a child has a spool of its own) and on an event loop. What has been
    handed over for some 20 ms survives `kill -9`: the next buffered monitor of the same
    deployment and folder sends it. An interrupted request is sent again, under the same ids:
    the server counts it once.

    Raises:
        SpoolUnusable: the folder cannot be written.
    """

    def __init__(
        self, access: Access, deployment: UUID, *, policy: Buffering, target: Target
    ) -> None:
        self.deployment = deployment
        self.policy = policy
        self._access = access
        self._target = target
        self._root = Path(policy.folder or spool_folder()) / str(deployment)
        self._closed = False
        self._engine = self._fresh()
        self._start()
        _here.add(self)

    def monitor(
        self,
        image: Any,
        latency: float,
        height: int | None = None,
        width: int | None = None,
        prediction: Any = None,
        **options: Unpack[Options],
    ) -> UUID:
        """Hand a prediction over; returns its id at once. The fields are those of `Record`.

        Raises:
            InvalidPrediction, UnknownLabel, UnreadableImage, MissingExtra: it is not taken.
            MonitorClosed: after `close`.
        """
        return self.hand_over(Record(image, latency, height, width, prediction, **options))

    def hand_over(self, record: Record) -> UUID:
        """`monitor` for a `Record`."""
        if self._closed:
            raise MonitorClosed("the buffered monitor is closed; make a new one")
        prepared = prepare(record, self._target, later=True)
        if not self._engine.started:
            self._start()
        self._engine.put(prepared)
        return prepared.id

    def flush(self, timeout: float = 30.0) -> Report:
        """Wait until all that was handed over before is settled, of ended processes too.

        Raises:
            NotFlushed: after `timeout` seconds; what is left stays on disk.
        """
        if not self._engine.started:
            self._start()
        done = self._engine.flush(timeout)
        report = self.report()
        if not done:
            raise NotFlushed(
                f"{report.waiting} predictions still wait ({report.trouble or 'being sent'}); "
                f"they stay in {self._root}, and the next start sends them"
            )
        return report

    async def aflush(self, timeout: float = 30.0) -> Report:
        """`flush` on an event loop."""
        return await asyncio.to_thread(self.flush, timeout)

    def report(self) -> Report:
        """How it stands now."""
        return self._engine.report()

    def close(self, timeout: float | None = None) -> Report:
        """Flush for at most `timeout` seconds (None: the policy's `exit_seconds`), and end.

        Nothing is raised for what could not be sent: it stays on disk, and the report says so.
        """
        if self._closed:
            return self.report()
        self._closed = True
        if self._engine.started:
            self._engine.flush(self.policy.exit_seconds if timeout is None else timeout)
            self._engine.end()
        report = self.report()
        if report.waiting:
            log.warning("%d predictions wait in %s for the next start", report.waiting, self._root)
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def _fresh(self) -> Engine:
        return Engine(self._access, self.deployment, root=self._root, policy=self.policy)

    def _start(self) -> None:
        try:
            self._engine.start()
        except OSError as error:
            raise SpoolUnusable(
                f"the spool {self._root} cannot be written ({error}): "
                "set SIGHTLOOP_SPOOL or Buffering(folder=…) to a folder that can"
            ) from error
        end = weakref.WeakMethod(self.close)
        atexit.register(_at_exit, end)
        if multiprocessing.parent_process() is not None:
            # The children of multiprocessing end without atexit.
            from multiprocessing import util  # noqa: PLC0415

            util.Finalize(None, _at_exit, args=(end,), exitpriority=100)

    def _after_fork(self) -> None:
        """In the child: what waits is the parent's to send; the first call starts anew."""
        parents, self._engine = self._engine, self._fresh()
        parents.forget()


_here: weakref.WeakSet[BufferedMonitor] = weakref.WeakSet()


def _at_exit(end: weakref.WeakMethod[Any]) -> None:
    close = end()
    if close is not None:
        close()


def _after_fork_in_child() -> None:
    for monitor in list(_here):
        monitor._after_fork()  # noqa: SLF001  # ours


os.register_at_fork(after_in_child=_after_fork_in_child)
