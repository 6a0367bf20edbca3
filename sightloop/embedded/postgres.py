"""A PostgreSQL server of our own in a folder: started, watched and stopped by this process.

    stopped ──start()──▶ running ──stop()──▶ stopped
                            └── crash, kill() ──▶ ended() says why; restart() goes on

Start and stop it from the main thread: the kernel ties the server's life to that thread.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
from sqlalchemy import URL

from sightloop.embedded import cluster as folder
from sightloop.embedded.binaries import Binaries, find_binaries
from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.privileges import (
    Owner,
    SetprivMissing,
    as_owner,
    dying_with_us,
    unprivileged_owner,
)
from sightloop.embedded.server_settings import PORT, server_settings

_SOCKET_PATH_BYTES = 107
_LOG_BYTES = 8 * 1024 * 1024
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.01
_STILL_LEAVING = ("is still in use", "already exists")


class EmbeddedPostgres:
    """`async with EmbeddedPostgres(path) as pg`: a server on a Unix socket only.

    `durable=False` trades safety in a power cut for speed: tests only. `bin_dir` uses another
    installation than the wheel's. Raises EmbeddedPostgresError with what is wrong and where.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        max_connections: int = 120,
        durable: bool = True,
        bin_dir: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._max_connections = max_connections
        self._durable = durable
        self._bin_dir = bin_dir
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._password = ""
        self._socket_dir = Path()
        self._socket_is_temporary = False
        self._log_start = 0
        self._stopping = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running().pid

    def dsn(self, database: str) -> str:
        """SQLAlchemy URL of a database; holds the password."""
        return URL.create(
            "postgresql+asyncpg",
            username=folder.SUPERUSER,
            password=self._password,
            database=database,
            query={"host": str(self._socket_dir), "port": str(PORT)},
        ).render_as_string(hide_password=False)

    def dsn_template(self, prefix: str) -> str:
        """The same for `<prefix>{service}`, as the setting `database_url` wants it."""
        return self.dsn(f"{prefix}service").replace(f"/{prefix}service?", f"/{prefix}{{service}}?")

    def connect_kwargs(self, database: str) -> dict[str, Any]:
        """Arguments of `asyncpg.connect` for a database; hold the password."""
        return {
            "host": str(self._socket_dir),
            "port": PORT,
            "user": folder.SUPERUSER,
            "password": self._password,
            "database": database,
        }

    async def create_database(self, name: str) -> None:
        """Make an empty database; nothing happens when it is there."""
        connection = await asyncpg.connect(**self.connect_kwargs("postgres"), timeout=30)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                quoted = name.replace('"', '""')
                with contextlib.suppress(
                    asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError
                ):
                    await connection.execute(f'CREATE DATABASE "{quoted}"')
        finally:
            await connection.close()

    async def start(self) -> None:
        """Make the cluster when new, start the server, return when it takes connections."""
        if self._lock is not None:
            raise RuntimeError("the embedded server is already started")
        self._lock = folder.lock_folder(self.data_dir)
        try:
            await self._start_server()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server (open transactions roll back) and give the folder free. Idempotent."""
        self._stopping = True
        try:
            if self._process is not None:
                await _end(self._process)
        finally:
            self._process = None
            if self._socket_is_temporary:
                shutil.rmtree(self._socket_dir, ignore_errors=True)
                self._socket_is_temporary = False
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None
            self._stopping = False

    async def restart(self) -> None:
        """Stop what runs, if anything does, and start again on the same data and socket path."""
        await self.stop()
        await self.start()

    async def kill(self) -> None:
        """`kill -9` the server, as a crash would; `restart` recovers."""
        process = self._running()
        process.kill()
        await _wait(process, _STOP_SECONDS)

    async def ended(self) -> str | None:
        """Return when the server has ended: the reason, or None when `stop` ended it."""
        process = self._running()
        while process.poll() is None:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(0.2)
        if self._stopping or self._process is not process:
            return None
        return self._reason(f"the server ended with {process.returncode}")

    async def _start_server(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        try:
            binaries, owner = await asyncio.to_thread(self._prepare, deadline)
            while True:
                self._process = self._spawn(binaries, owner)
                if await self._ready(deadline):
                    return
                reason = self._reason(f"the server ended with {self._process.returncode}")
                # After a kill -9 of the server its children need a moment to notice.
                if not any(words in reason for words in _STILL_LEAVING):
                    raise EmbeddedPostgresError(reason, self.data_dir)
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(reason, self.data_dir)
                await asyncio.sleep(0.1)
        except SetprivMissing as error:
            raise EmbeddedPostgresError(str(error), self.data_dir) from error

    def _prepare(self, deadline: float) -> tuple[Binaries, Owner | None]:
        major = folder.cluster_major(self.data_dir)
        binaries = find_binaries(bin_dir=self._bin_dir, cluster_major=major)
        if major is not None and major != binaries.major:
            raise EmbeddedPostgresError(
                f"the data folder was made by PostgreSQL {major}, "
                f"the server installed is {binaries.major}",
                self.data_dir,
            )
        with folder.plain_errors(self.data_dir):
            owner = unprivileged_owner(self.data_dir / "cluster")
            self._password = folder.read_password(self.data_dir)
            if major is None:
                folder.make_cluster(self.data_dir, binaries, owner=owner, durable=self._durable)
            else:
                folder.wait_for_previous(self.data_dir, deadline=deadline)
            self._make_socket_dir(owner)
            log = self.data_dir / "server.log"
            if log.exists() and log.stat().st_size > _LOG_BYTES:
                log.rename(log.with_suffix(".log.1"))
        return binaries, owner

    def _make_socket_dir(self, owner: Owner | None) -> None:
        """Inside the data folder where its path is short and plain enough, else a temporary one."""
        inside = self.data_dir / "socket"
        path = str(inside / f".s.PGSQL.{PORT}")
        self._socket_is_temporary = (
            len(os.fsencode(path)) > _SOCKET_PATH_BYTES or not path.isascii() or "," in path
        )
        if self._socket_is_temporary:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="sightloop-"))
        else:
            inside.mkdir(mode=0o700, exist_ok=True)
            self._socket_dir = inside
        if owner is not None:
            os.chown(self._socket_dir, owner.uid, owner.gid)

    def _spawn(self, binaries: Binaries, owner: Owner | None) -> subprocess.Popen[bytes]:
        settings = server_settings(
            major=binaries.major,
            socket_dir=self._socket_dir,
            max_connections=self._max_connections,
            durable=self._durable,
        )
        command = [binaries.postgres, "-D", str(self.data_dir / "cluster")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with folder.plain_errors(self.data_dir), (self.data_dir / "server.log").open("ab") as log:
            self._log_start = log.tell()
            # Its own session: Ctrl C in a terminal must reach us first, and the server last.
            return subprocess.Popen(
                as_owner(dying_with_us(command, "INT"), owner),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=folder.server_environment(),
            )

    async def _ready(self, deadline: float) -> bool:
        """True when the server takes connections, False when it ended instead."""
        process = self._running()
        pid_file = self.data_dir / "cluster" / "postmaster.pid"
        while process.poll() is None:
            with contextlib.suppress(OSError):
                lines = pid_file.read_text().splitlines()
                if lines[:1] == [str(process.pid)] and lines[7:8] and lines[7].strip() == "ready":
                    return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    self._reason(f"the server was not ready after {_START_SECONDS:.0f} s"),
                    self.data_dir,
                )
            await asyncio.sleep(_POLL_SECONDS)
        return False

    def _reason(self, otherwise: str) -> str:
        with (self.data_dir / "server.log").open("rb") as log:
            log.seek(self._log_start)
            return folder.explain(log.read(_LOG_BYTES).decode(errors="replace")) or otherwise

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the embedded server is not started")
        return self._process


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then an immediate one, then (or when cancelled meanwhile) by force."""
    try:
        for order, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 5.0)):
            process.send_signal(order)
            if await _wait(process, seconds):
                return
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(_STOP_SECONDS)


async def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
