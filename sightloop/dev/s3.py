"""One real S3 server on this machine: the Versity gateway over a folder, loopback only."""

import asyncio
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from sightloop.dev.cache import cache_folder, fill, run_fetcher
from sightloop.dev.part import Available, FetchFailed, Missing, PartFailed
from sightloop.dev.process import ServerProcess, accepts, free_port

_VERSION = "v1.8.0"
_MODULE = f"github.com/versity/versitygw/cmd/versitygw@{_VERSION}"
_CACHED = f"versitygw-{_VERSION}"
_START_SECONDS = 20.0


class S3Server:
    """`async with S3Server(folder) as s3`: endpoint, keys and one bucket.

    The folder keeps the objects; `restart` keeps port and keys.
    """

    name = "s3"

    def __init__(self, data_dir: Path, *, bucket: str = "sightloop") -> None:
        self._data_dir = data_dir.resolve()
        self._process: ServerProcess | None = None
        self._port = 0
        self.bucket = bucket
        self.access_key = "sightloop"
        self.secret_key = secrets.token_urlsafe(24)

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

    @staticmethod
    def available() -> Available | Missing:
        """Whether the server's program is here."""
        program = _program()
        if program is None:
            return Missing("no S3 server in the cache: run `sightloop dev fetch` (builds it by Go)")
        return Available(f"versitygw {_VERSION}, {program}")

    @staticmethod
    def fetch() -> None:
        """Build the server into the cache (minutes); Go checks the modules. Raises FetchFailed."""
        fill(_CACHED, _build)

    @property
    def endpoint(self) -> str:
        """Address without a path."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Address of the bucket as `libs.blobs` reads it; holds the secret."""
        host = f"127.0.0.1:{self._port}"
        return f"s3://{self.access_key}:{self.secret_key}@{host}/{self.bucket}?tls=off"

    @property
    def variables(self) -> dict[str, str]:
        """The settings that make Sightloop use this server."""
        return {"SIGHTLOOP_BLOBS_URL": self.url}

    async def start(self) -> None:
        """Start, make the bucket when new, return when it can be written."""
        program = _program()
        if program is None:
            raise PartFailed("no S3 server in the cache: run `sightloop dev fetch`")
        objects = self._data_dir / "objects"
        objects.mkdir(parents=True, exist_ok=True)
        self._port = self._port or free_port()
        command = [str(program), "--quiet", "--port", f"127.0.0.1:{self._port}", "posix"]
        if not _has_attributes(objects):
            attributes = self._data_dir / "attributes"
            attributes.mkdir(exist_ok=True)
            command += ["--sidecar", str(attributes)]
        keys = {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}
        self._process = ServerProcess(
            "versitygw",
            [*command, str(objects)],
            log=self._data_dir / "server.log",
            env={**os.environ, **keys},
        )
        await self._process.until_ready(lambda: accepts(self._port), seconds=_START_SECONDS)
        await asyncio.to_thread(self._make_bucket)

    async def stop(self) -> None:
        """End the server. Idempotent."""
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def kill(self) -> None:
        """`kill -9` the server."""
        if self._process is not None:
            await self._process.kill()

    async def restart(self) -> None:
        """Start again on the same data, port and keys, after `kill` or in order."""
        await self.stop()
        await self.start()

    def _make_bucket(self) -> None:
        from minio import Minio  # noqa: PLC0415 - an extra, and slow to import

        client = Minio(
            f"127.0.0.1:{self._port}",
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=False,
            region="us-east-1",
        )
        try:
            if not client.bucket_exists(bucket_name=self.bucket):
                client.make_bucket(bucket_name=self.bucket)
        finally:
            client._http.clear()  # noqa: SLF001 - the client offers no way to close its connections


def _program() -> Path | None:
    cached = cache_folder() / _CACHED / "versitygw"
    return cached if cached.exists() else None


def _build(folder: Path) -> None:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise FetchFailed("no Go to build the S3 server with")
    run_fetcher([go, "install", _MODULE], environment={"GOBIN": str(folder), "GOFLAGS": "-mod=mod"})


def _has_attributes(folder: Path) -> bool:
    """Whether the file system keeps the extended attributes the gateway writes."""
    try:
        os.setxattr(folder, "user.sightloop", b"1")
        os.removexattr(folder, "user.sightloop")
    except OSError:
        return False
    return True
