"""Real parts for the tests: started once a session, skipped with the reason where not to be had."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.part import Missing
from sightloop.dev.s3 import S3Server
from sightloop.embedded.postgres import EmbeddedPostgres

T = TypeVar("T")


def run_now(work: Coroutine[object, object, T]) -> T:
    """Run `work` on a loop of its own, in this thread: parts outlive the loops of single tests.

    Only where no loop runs: ask for the fixtures that use it as arguments, or by
    `getfixturevalue` in a fixture that is not async.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """A folder with a short path (sockets) that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"sightloop-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres(bin_dir: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """A fast server (no fsync) with no database of ours in it; of the wheel, or of `bin_dir`."""
    with scratch_folder("pg") as folder:
        postgres = EmbeddedPostgres(folder, durable=False, bin_dir=bin_dir)
        run_now(postgres.start())
        try:
            yield postgres
        finally:
            # Its folder goes with it: a checkpoint of hundreds of databases would be for nothing.
            run_now(postgres.kill())
            run_now(postgres.stop())


@contextmanager
def running_kafka() -> Iterator[KafkaBroker]:
    """A broker without topics; skips the test where Kafka is not in the cache."""
    if isinstance(found := KafkaBroker.available(), Missing):
        pytest.skip(found.reason)
    with scratch_folder("kafka") as folder:
        broker = KafkaBroker(folder)
        run_now(broker.start())
        try:
            yield broker
        finally:
            run_now(broker.stop())


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """An S3 server with one empty bucket; skips the test where it is not in the cache."""
    if isinstance(found := S3Server.available(), Missing):
        pytest.skip(found.reason)
    with scratch_folder("s3") as folder:
        server = S3Server(folder)
        run_now(server.start())
        try:
            yield server
        finally:
            run_now(server.stop())
