"""The embedded server after a crash: started again, whatever state its last one is in."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from sightloop.embedded import cluster
from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.embedded.watch import watched

pytestmark = pytest.mark.slow


async def test_a_server_that_was_killed_is_started_again_while_the_work_goes_on(
    tmp_path: Path,
) -> None:
    async with EmbeddedPostgres(tmp_path / "pg") as server:
        await server.create_database("d")
        first = server.pid

        async def work() -> str:
            os.kill(first, signal.SIGKILL)
            while True:
                try:
                    kwargs = server.connect_kwargs("d")
                    connection = await asyncpg.connect(**kwargs, timeout=5)
                except (OSError, asyncpg.PostgresError, TimeoutError):
                    await asyncio.sleep(0.05)
                    continue
                await connection.close()
                if server.pid != first:
                    return "went on"

        async with asyncio.timeout(90):
            assert await watched(server, work()) == "went on"


async def test_a_server_that_keeps_ending_ends_the_work(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg") as server:

        async def work() -> None:
            while True:
                with contextlib.suppress(RuntimeError, ProcessLookupError):
                    os.kill(server.pid, signal.SIGKILL)
                await asyncio.sleep(0.1)

        with pytest.raises(EmbeddedPostgresError, match="5 times within a minute"):
            await watched(server, work())


async def test_a_previous_server_that_does_not_stop_is_told_to_stop_at_once(
    tmp_path: Path,
) -> None:
    server = EmbeddedPostgres(tmp_path / "pg")
    await server.start()
    try:
        connection = await asyncpg.connect(**server.connect_kwargs("postgres"), timeout=30)
        # A session that does not hear keeps an orderly stop waiting for good.
        os.kill(await connection.fetchval("SELECT pg_backend_pid()"), signal.SIGSTOP)
        deadline = time.monotonic() + 60
        await asyncio.to_thread(
            cluster.wait_for_previous, tmp_path / "pg", deadline=deadline, patience=0.2
        )
        assert not (tmp_path / "pg" / "cluster" / "postmaster.pid").exists()
        connection.terminate()
    finally:
        await server.stop()
    async with EmbeddedPostgres(tmp_path / "pg") as again:
        assert again.pid
