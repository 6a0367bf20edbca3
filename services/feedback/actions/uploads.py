"""What was uploaded, kept where any process can do the work."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from starlette.datastructures import UploadFile

from services.feedback.parts import Feedback


async def keep_upload(parts: Feedback, upload: UploadFile, key: str, content_type: str) -> None:
    """Put an upload into the blob store, whatever its size. Raises BlobsUnavailable."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        await asyncio.to_thread(_write, upload, path)
        await parts.blobs.put_file(key, path, content_type=content_type)


def _write(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
