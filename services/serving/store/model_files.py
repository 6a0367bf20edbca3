"""Model files on disk, by their SHA-256."""

import asyncio
import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from libs.blobs.blobs import BlobNotFound, Blobs
from libs.schemas.values import ModelFile
from services.serving.errors import CacheUnusable, ModelUnfit


class ModelFiles:
    """A folder that processes may share; files are whole or absent, the least used go first."""

    def __init__(self, folder: Path, blobs: Blobs, *, limit: int) -> None:
        self._folder = folder
        self._blobs = blobs
        self._limit = limit

    def open(self) -> None:
        """Make the folder. Raises CacheUnusable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise CacheUnusable(
                f"cannot use the folder {self._folder}: {error.strerror}"
            ) from error

    async def content(self, file: ModelFile) -> bytes:
        """The bytes of a model file, from the folder or the blob store; verified.

        Raises:
            ModelUnfit: there is no such blob, or it is not the one that was deployed.
            BlobsUnavailable: the blob store is away.
        """
        path = self._folder / f"{file.sha256}.onnx"
        kept = await asyncio.to_thread(_kept, path, file.sha256)
        if kept is not None:
            return kept
        try:
            content = await self._blobs.get(file.key)
        except BlobNotFound as error:
            raise ModelUnfit(f"the model's file {file.key} is not in the blob store") from error
        await asyncio.to_thread(self._keep, path, content, file)
        return content

    def _keep(self, path: Path, content: bytes, file: ModelFile) -> None:
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            raise ModelUnfit(
                f"the model's file {file.key} is not what was deployed: "
                f"SHA-256 {found[:12]}…, not {file.sha256[:12]}…"
            )
        partial = path.with_name(f".{secrets.token_hex(8)}.partial")
        try:
            partial.write_bytes(content)
            os.replace(partial, path)  # noqa: PTH105
        except OSError:
            # Only a cache: the model is served from memory, and fetched again next time.
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        self._prune(path)

    def _prune(self, newest: Path) -> None:
        ages = []
        for path in self._folder.glob("*.onnx"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                ages.append((found.st_mtime, found.st_size, path))
        total = sum(size for _, size, _ in ages)
        for _, size, path in sorted(ages):
            if total <= self._limit:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size


def _kept(path: Path, sha256: str) -> bytes | None:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == sha256:
            os.utime(path)
            return content
    except OSError:
        return None
    return None
