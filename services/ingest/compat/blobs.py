"""Signed addresses: reading an object, writing one as an S3 form, writing a part of one."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from libs.api.app import part
from libs.api.compat import compat_router
from libs.api.problems import Problem, invalid, not_found
from libs.blobs.blobs import BadKey, BlobInfo
from libs.blobs.signing import attachment, verify_signature
from services.ingest.compat.storage import part_key
from services.ingest.core.signatures import holds
from services.ingest.parts import Ingest

router = compat_router()
Parts = Annotated[Ingest, part(Ingest)]
Expires = Annotated[int, Query(ge=0, lt=2**53)]
Text = Annotated[str, Query(max_length=512)]
_PIECE = 1 << 20
# What strangers have uploaded is shown by no browser as a page of ours.
_INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, max-age=3600",
}


@router.get("/blobs/{key:path}")
async def read(
    key: str, parts: Parts, expires: Expires, signature: Text, filename: Text | None = None
) -> StreamingResponse:
    """An object by its signed address; a length is said: clients need it."""
    signing_key = parts.blobs.signing_key
    if not signing_key or not verify_signature(
        signing_key,
        key,
        expires=expires,
        signature=signature,
        filename=filename,
        now=parts.clock.now().timestamp(),
    ):
        raise _forbidden()
    info = await _stat(parts, key)
    headers = _INERT | {"Content-Length": str(info.size)}
    if filename is not None:
        headers["Content-Disposition"] = attachment(filename)
    return StreamingResponse(parts.blobs.stream(key), media_type=info.content_type, headers=headers)


@router.post("/blobs")
async def write(request: Request, parts: Parts) -> Response:
    """An object as an S3 form: its fields are what was signed, `file` is the object."""
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        fields = {
            name: str(form.get(name, ""))
            for name in ("key", "expires", "signature", "Content-Type")
        }
        _check(parts, fields["signature"], key=fields["key"], number="", expires=fields["expires"])
        if not isinstance(file, UploadFile):
            raise invalid("the object is missing", [("file", "a file is needed")])
        with TemporaryDirectory(prefix="sightloop-upload-") as folder:
            path = Path(folder) / "object"
            with path.open("wb") as out:
                while piece := await file.read(_PIECE):
                    out.write(piece)
            kind = fields["Content-Type"] or "application/octet-stream"
            await parts.blobs.put_file(fields["key"], path, content_type=kind[:200])
    return Response(status_code=204)


@router.put("/blobs/{key:path}")
async def write_part(
    request: Request,
    key: str,
    parts: Parts,
    expires: Expires,
    signature: Text,
    number: Annotated[str, Query(alias="part", max_length=80)],
) -> Response:
    """A part of an object: `ETag` is the MD5 of its bytes."""
    _check(parts, signature, key=key, number=number, expires=str(expires))
    content = await request.body()
    upload, _, which = number.partition("/")
    name = part_key(UUID(key.split("/")[1]), upload, which)
    await parts.blobs.put(name, content, content_type="application/octet-stream")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Response(status_code=200, headers={"ETag": f'"{digest}"'})


def _check(parts: Ingest, signature: str, *, key: str, number: str, expires: str) -> None:
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
        raise _forbidden()
    if not holds(
        parts.blobs.signing_key,
        signature,
        key=key,
        part=number,
        expires=int(expires),
        now=parts.clock.now().timestamp(),
    ):
        raise _forbidden()


async def _stat(parts: Ingest, key: str) -> BlobInfo:
    try:
        info = await parts.blobs.stat(key)
    except BadKey as error:
        raise not_found("such object") from error
    if info is None:
        raise not_found("such object")
    return info


def _forbidden() -> Problem:
    return Problem(403, "bad-signature", "the address is not signed by us, or has expired")
