"""Where files go before they are something: names, addresses, parts."""

import hashlib
import re
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.app import part
from libs.api.caller import AnyCaller, needs
from libs.api.compat import compat_router
from libs.api.problems import Problem, invalid, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.blobs.blobs import BadKey, BlobNotFound
from libs.blobs.uploads import uploads_of
from libs.schemas.ids import connector_id, uuid7
from services.ingest.core.signatures import LIVES_SECONDS, sign
from services.ingest.parts import Ingest

router = compat_router()
Parts = Annotated[Ingest, part(Ingest)]
Writer = Annotated[Caller, needs(Scope.DATA_WRITE)]
_STORAGE = "/api/object-storage/{connector}"
_UNSAFE = re.compile(r"[^A-Za-z0-9._=@+-]+")
# The client speaks the S3 form to it.
_KIND = "minio"
_READ = {
    "ingest": Scope.DATA_READ,
    "feedback": Scope.DATASETS_READ,
    "trainer": Scope.EXPERIMENTS_READ,
    "deployer": Scope.MODELS_READ,
}
_HOUR = timedelta(hours=1)
_PARTS = 10_000


class NameBody(BaseModel):
    """A file to come; where the client wants it is not kept: objects are named by content."""

    filename: Annotated[str, Field(min_length=1, max_length=1024)]
    type: str


class ObjectBody(BaseModel):
    """An object."""

    object_name: Annotated[str, Field(min_length=1, max_length=512)]
    content_type: str = "application/octet-stream"


class PartBody(ObjectBody):
    """A part of an object, from 1."""

    upload_id: UUID
    part_no: Annotated[int, Field(ge=1, le=_PARTS)]


class DonePart(BaseModel):
    """A part that was put."""

    ETag: str
    PartNumber: Annotated[int, Field(ge=1, le=_PARTS)]


class DoneBody(ObjectBody):
    """All parts of an object."""

    upload_id: UUID
    parts: Annotated[list[DonePart], Field(min_length=1, max_length=_PARTS)]


@router.post("/api/organization/{organization}/connector/{connector}/generate_object_name")
async def generate_object_name(
    organization: UUID, connector: UUID, body: NameBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """A name that nothing has; the file's own is its end."""
    if organization != caller.organization:
        raise not_found(f"organization {organization}")
    _mine(caller, connector)
    safe = _UNSAFE.sub("-", body.filename).strip(".-")[-100:].lstrip(".") or "file"
    return {"object_name": f"{uploads_of(organization)}/{uuid7(parts.clock.now())}/{safe}"}


@router.post(_STORAGE + "/generate_presigned_url")
async def presign_upload(
    connector: UUID, body: ObjectBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """An address that takes one object as a form, for an hour."""
    key = _own_key(caller, connector, body.object_name)
    return {
        "client_type": _KIND,
        "presigned_url_data": {
            "url": f"{parts.public_url}/blobs",
            "fields": {"key": key, **_signed(parts, key, "")},
        },
    }


@router.post(_STORAGE + "/init_multipart_upload")
async def begin_parts(
    connector: UUID, body: ObjectBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """An upload in parts."""
    _own_key(caller, connector, body.object_name)
    return {"client_type": _KIND, "upload_id": uuid7(parts.clock.now())}


@router.post(_STORAGE + "/generate_part_presigned_url")
async def presign_part(
    connector: UUID, body: PartBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """An address that takes one part, for an hour."""
    key = _own_key(caller, connector, body.object_name)
    number = f"{body.upload_id}/{body.part_no}"
    signed = "&".join(f"{name}={value}" for name, value in _signed(parts, key, number).items())
    return {"url": f"{parts.public_url}/blobs/{key}?part={number}&{signed}"}


@router.post(_STORAGE + "/complete_part_upload")
async def complete_parts(
    connector: UUID, body: DoneBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Put the parts together; each is compared with what the client was told of it."""
    key = _own_key(caller, connector, body.object_name)
    numbers = [done.PartNumber for done in body.parts]
    if numbers != list(range(1, len(numbers) + 1)):
        raise invalid("the parts have gaps", [("parts", "are to be numbered 1, 2, 3 …")])
    names = [part_key(caller.organization, body.upload_id, number) for number in numbers]
    with tempfile.TemporaryDirectory(prefix="sightloop-upload-") as folder:
        path = Path(folder) / "whole"
        with path.open("wb") as out:
            for done, name in zip(body.parts, names, strict=True):
                digest = hashlib.md5(usedforsecurity=False)
                try:
                    async for piece in parts.blobs.stream(name):
                        digest.update(piece)
                        out.write(piece)
                except BlobNotFound as error:
                    raise invalid(
                        f"part {done.PartNumber} is not there", [("parts", "put it first")]
                    ) from error
                if done.ETag.strip('"') != digest.hexdigest():
                    raise invalid(
                        f"part {done.PartNumber} is another", [("parts", "its ETag differs")]
                    )
        await parts.blobs.put_file(key, path, content_type=body.content_type)
    for name in names:
        await parts.blobs.delete(name)
    return {"object_name": key}


@router.post(_STORAGE + "/retrieve_presigned_url")
async def presign_download(
    connector: UUID, body: ObjectBody, parts: Parts, caller: AnyCaller
) -> dict[str, Any]:
    """An address that gives an object of the organisation, for an hour.

    Each service keeps its files under its own name; who may not read its things has not these.
    """
    _mine(caller, connector)
    service, _, rest = body.object_name.partition("/")
    scope = _READ.get(service)
    if scope not in caller.scopes or not rest.startswith(f"{caller.organization}/"):
        raise not_found(f"object {body.object_name}")
    try:
        return {"presigned_url": await parts.blobs.presign_get(body.object_name, expires=_HOUR)}
    except BadKey as error:
        raise not_found(f"object {body.object_name}") from error


def part_key(organization: UUID, upload: UUID | str, number: int | str) -> str:
    """Where a part of an upload waits."""
    return f"ingest/{organization}/parts/{upload}/{number}"


def _mine(caller: Caller, connector: UUID) -> None:
    if connector != connector_id(caller.organization):
        raise not_found(f"connector {connector}")


def _own_key(caller: Caller, connector: UUID, key: str) -> str:
    """The key of an upload of the caller's organisation. Raises Problem 404 or 422."""
    _mine(caller, connector)
    if not key.startswith(f"{uploads_of(caller.organization)}/"):
        raise invalid(
            "the object's name is not one that was given out", [("object_name", "ask for a name")]
        )
    return key


def _signed(parts: Ingest, key: str, number: str) -> dict[str, str]:
    if not parts.blobs.signing_key:
        raise Problem(
            422, "no-uploads", "the store is opened by a machine's role: no address can be signed"
        )
    expires = int(parts.clock.now().timestamp()) + LIVES_SECONDS
    signature = sign(parts.blobs.signing_key, key=key, part=number, expires=expires)
    return {"expires": str(expires), "signature": signature}
