"""The queue, the two threads and the folders of one process."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from pathlib import Path
from uuid import UUID

from sightloop_sdk.buffer import folders, writer
from sightloop_sdk.buffer.books import Books
from sightloop_sdk.buffer.policy import Buffering, Report
from sightloop_sdk.buffer.sender import Sender
from sightloop_sdk.buffer.spool import Entry
from sightloop_sdk.errors import ApiError
from sightloop_sdk.record import Finished, Prepared
from sightloop_sdk.transport import Access, Retry, Transport

log = logging.getLogger("sightloop_sdk.buffer")
_GATHER_SECONDS = 0.01
_ADOPT_SECONDS = 10.0
_SEND_SECONDS = 30.0
_FAULT_SECONDS = 1.0
_END_SECONDS = 2.0


class _Mark:
    """Stands in the queue for a flush: all before it is on disk once it is `written`."""

    def __init__(self) -> None:
        self.written = threading.Event()
        self.number = 0


class Engine:
    """Takes predictions and sees to it that they arrive. `start` before `put`."""

    def __init__(self, access: Access, deployment: UUID, *, root: Path, policy: Buffering) -> None:
        self.started = False
        self._ended = False
        self._policy = policy
        self._root = root
        self._lock = threading.Lock()
        self._queue: deque[Prepared | _Mark] = deque()
        self._queued = 0
        self._wake = threading.Event()  # there is something in the queue
        self._work = threading.Event()  # there is something in the spool
        self._stop = threading.Event()
        self._flushing = 0
        self._books = Books(policy.on_loss)
        self._own: folders.Held | None = None
        self._orphans: list[folders.Held] = []
        self._settled = threading.Condition()
        self._looked = False  # for orphans, once at least
        self._appended = 0
        self._number = 0  # of the own records that are settled
        self._threads: list[threading.Thread] = []
        self._transport = Transport(access, timeout=_SEND_SECONDS, retry=Retry(attempts=1))
        self._sender = Sender(self._transport, deployment, policy.retry, self._stop)

    def start(self) -> None:
        """Make the folder and start the threads, once. Raises OSError."""
        with self._lock:
            if self.started:
                return
            self._own = folders.make(self._root)
            self._threads = [
                threading.Thread(target=self._write, name="sightloop-writer", daemon=True),
                threading.Thread(target=self._send, name="sightloop-sender", daemon=True),
            ]
            for thread in self._threads:
                thread.start()
            self.started = True

    def put(self, prepared: Prepared) -> None:
        """Take a prediction, or lose it where memory is full. Never waits."""
        self._books.hand()
        with self._lock:
            full = self._queued + prepared.size > self._policy.queue_bytes
            taken = not (full or self._ended)
            if taken:
                self._queued += prepared.size
                self._queue.append(prepared)
        if full:
            why = f"{self._policy.queue_bytes} bytes wait in memory; the disk is too slow"
            self._books.lose("memory", why, prepared.id, adopted=False)
        elif not taken:
            self._lose_late(prepared)
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Whether all that was taken before, and all that was found, is settled in time."""
        deadline = time.monotonic() + timeout
        mark = _Mark()
        with self._lock:
            self._queue.append(mark)
            self._flushing += 1
            self._sender.hurry.set()
        self._wake.set()
        try:
            if not mark.written.wait(timeout):
                return False
            with self._settled:
                return self._settled.wait_for(
                    lambda: self._looked and not self._orphans and self._number >= mark.number,
                    max(0.0, deadline - time.monotonic()),
                )
        finally:
            with self._lock:
                self._flushing -= 1
                if not self._flushing and not self._stop.is_set():
                    self._sender.hurry.clear()

    def report(self) -> Report:
        return self._books.report(bytes_on_disk=self._bytes(), trouble=self._sender.trouble)

    def end(self) -> None:
        """Stop the threads; what is left stays on disk."""
        self._stop.set()
        for event in (self._wake, self._work, self._sender.hurry):
            event.set()
        for thread in self._threads:
            thread.join(_END_SECONDS)
        with self._lock:
            self._ended = True
            late = [one for one in self._queue if isinstance(one, Prepared)]
            self._queue.clear()
        for one in late:
            self._lose_late(one)
        self._books.announce()
        if any(thread.is_alive() for thread in self._threads):
            # A request is in flight: the folder stays ours until the process ends.
            return
        for held in (*self._orphans, self._own):
            if held is not None:
                held.leave()
        self._transport.close()

    def forget(self) -> None:
        """In the child of a fork: let go of what is the parent's."""
        for held in (*self._orphans, self._own):
            if held is not None:
                held.forget()

    def _lose_late(self, one: Prepared) -> None:
        self._books.lose("closed", "the monitor was closed meanwhile", one.id, adopted=False)

    def _bytes(self) -> int:
        held = (*self._orphans, self._own)
        return sum(one.spool.size for one in held if one is not None)

    def _write(self) -> None:
        """The writer's thread."""
        while True:
            self._wake.wait()
            # Many at once cost one write, and the caller does not wake us for each.
            self._stop.wait(_GATHER_SECONDS)
            self._wake.clear()
            self._drain()
            self._books.announce()
            if self._stop.is_set() and not self._queue:
                return

    def _drain(self) -> None:
        assert self._own is not None
        while self._queue:
            some: list[Prepared] = []
            mark: _Mark | None = None
            while self._queue and mark is None and len(some) < self._policy.batch_count:
                item = self._queue.popleft()
                if isinstance(item, _Mark):
                    mark = item
                else:
                    some.append(item)
            self._appended += writer.write(
                some,
                self._own.spool,
                self._books,
                held=self._bytes,
                most=self._policy.max_bytes,
                # While the server is away, what waits shall survive a loss of power, too.
                sync=self._sender.trouble is not None,
            )
            with self._lock:
                self._queued -= sum(prepared.size for prepared in some)
            if mark is not None:
                self._books.announce()
                mark.number = self._appended
                mark.written.set()
            self._work.set()

    def _send(self) -> None:
        """The sender's thread."""
        while not self._stop.is_set():
            try:
                self._turn()
            except OSError as error:  # noqa: PERF203  # one fault must not end the thread
                self._sender.trouble = f"the spool cannot be read: {error}"
                log.exception("the spool in %s cannot be read", self._root)
                self._stop.wait(_FAULT_SECONDS)

    def _turn(self) -> None:
        held = self._orphans[0] if self._orphans else self._own
        assert held is not None
        entries = held.spool.peek(self._policy.batch_count, self._policy.batch_bytes)
        if entries and self._looked:
            self._deliver(held, entries)
        elif self._orphans:
            with self._settled:
                self._orphans.pop(0).leave()
                self._settled.notify_all()
        elif not self._looked or not self._work.wait(_ADOPT_SECONDS):
            found = list(folders.adopt(self._root))
            with self._settled:
                self._orphans, self._looked = found, True
                self._settled.notify_all()
        else:
            self._work.clear()
            self._sender.hurry.wait(self._policy.linger)

    def _deliver(self, held: folders.Held, entries: list[Entry]) -> None:
        adopted = held is not self._own
        for entry in entries:
            if entry.content is None:
                why = f"{entry.size} bytes in {held.spool.folder} are torn or broken"
                self._books.lose("damaged", why, None, adopted=adopted)

        def settle(record: Finished, error: ApiError | None) -> None:
            if error is None:
                self._books.accept(adopted=adopted)
            else:
                self._books.lose("rejected", str(error), record.id, adopted=adopted)

        records = [entry.content for entry in entries if entry.content is not None]
        done = self._sender.deliver(records, settle)
        self._books.announce()
        if done:
            held.spool.settle(entries[-1].behind)
            with self._settled:
                self._number += 0 if adopted else len(entries)
                self._settled.notify_all()
