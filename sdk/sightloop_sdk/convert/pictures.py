"""Pictures: arrays, PIL images, paths, bytes, addresses; and what their headers say."""

from __future__ import annotations

import mimetypes
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import urlsplit

from sightloop_sdk.errors import MissingExtra, UnreadableImage

Color = Literal["RGB", "BGR"]
_JPEG_QUALITY = 90
_FETCH_SECONDS = 30.0


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture say; pixels as stored."""

    content_type: str
    width: int
    height: int


@dataclass(frozen=True)
class Held:
    """A picture in hand. `encoded()` may take long: it compresses, or fetches.

    `width` and `height` are None where only the fetched bytes tell.
    """

    encoded: Callable[[], bytes]
    size: int
    content_type: str
    filename: str | None
    width: int | None
    height: int | None


def hold(image: Any, *, color: Color = "RGB", copy: bool = False) -> Held:
    """Take a picture in hand: what the caller does to it afterwards changes nothing.

    `image`: bytes; a path; an http(s) address; a PIL image; an array of height × width (× 3 or 4)
    bytes, whose channels are in the order `color`. `copy`: arrays and PIL images are copied, since
    they are encoded later. Files are read here, addresses fetched later.

    Raises:
        UnreadableImage: it is none of these, or no PNG, JPEG or WebP.
        MissingExtra: an array or PIL image needs Pillow.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(image), None)
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        return _of_address(image)
    if isinstance(image, (str, Path)):
        path = Path(image)
        try:
            return _of_bytes(path.read_bytes(), path.name)
        except OSError as error:
            raise UnreadableImage(f"the picture cannot be read: {error}") from error
    if hasattr(image, "save") and hasattr(image, "mode") and hasattr(image, "size"):
        return _of_pil(image.copy() if copy else image)
    if hasattr(image, "__array_interface__") and hasattr(image, "shape"):
        return _of_array(image, color=color, copy=copy)
    raise UnreadableImage(
        f"{type(image).__name__} is no picture: give bytes, a path, an http(s) address, "
        "a PIL image or a numpy array (height × width × 3, uint8)"
    )


def read_header(content: bytes) -> Header:
    """Type and size of a PNG, JPEG or WebP. Raises UnreadableImage."""
    try:
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            return Header("image/png", *struct.unpack(">II", content[16:24]))
        if content[:3] == b"\xff\xd8\xff":
            return Header("image/jpeg", *_jpeg_size(content))
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return Header("image/webp", *_webp_size(content))
    except (struct.error, IndexError) as error:
        raise UnreadableImage("the picture ends within its header") from error
    raise UnreadableImage("the picture is neither PNG, JPEG nor WebP")


def fetch(address: str) -> bytes:
    """The bytes at an address. Raises UnreadableImage."""
    import httpx  # noqa: PLC0415  # a second at start that most do not need

    try:
        answer = httpx.get(address, timeout=_FETCH_SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        raise UnreadableImage(f"{address} cannot be fetched: {error}") from error
    if not answer.is_success:
        raise UnreadableImage(f"{address} cannot be fetched: HTTP {answer.status_code}")
    return answer.content


def _of_bytes(content: bytes, filename: str | None) -> Held:
    header = read_header(content)
    return Held(
        lambda: content, len(content), header.content_type, filename, header.width, header.height
    )


def _of_address(address: str) -> Held:
    name = Path(urlsplit(address).path).name or None
    guessed = mimetypes.guess_type(name or "")[0] or "image/jpeg"
    return Held(lambda: fetch(address), len(address), guessed, name, None, None)


def _of_pil(image: Any) -> Held:
    _pillow()
    width, height = image.size
    kind = "JPEG" if image.mode in ("RGB", "L") else "PNG"

    def encoded() -> bytes:
        shown = image if image.mode in ("RGB", "L", "RGBA", "LA", "P", "1") else None
        with _scratch() as out:
            (shown or image.convert("RGB")).save(out, kind, quality=_JPEG_QUALITY)
            out.seek(0)
            return out.read()

    return Held(encoded, width * height * 3, f"image/{kind.lower()}", None, width, height)


def _of_array(array: Any, *, color: Color, copy: bool) -> Held:
    pillow = _pillow()
    shape = tuple(array.shape)
    if str(array.dtype) != "uint8" or len(shape) not in (2, 3) or shape[2:] not in _CHANNELS:
        raise UnreadableImage(
            f"an array of {shape} {array.dtype} is no picture: "
            "height × width, × 3 or × 4 for colours, of uint8"
        )
    if color not in ("RGB", "BGR"):
        raise UnreadableImage(f'color must be "RGB" or "BGR", not {color!r}')
    held = array.copy() if copy else array

    def encoded() -> bytes:
        turned = held
        if color == "BGR" and shape[2:] == (3,):
            turned = held[..., ::-1]
        elif color == "BGR" and shape[2:] == (4,):
            turned = held[..., [2, 1, 0, 3]]
        flat = turned[..., 0] if shape[2:] == (1,) else turned
        return _of_pil(pillow.fromarray(flat)).encoded()

    kind = "image/png" if shape[2:] == (4,) else "image/jpeg"
    return Held(encoded, int(array.nbytes), kind, None, int(shape[1]), int(shape[0]))


_CHANNELS = ((), (1,), (3,), (4,))


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise MissingExtra(
            "arrays and PIL images need Pillow: pip install 'sightloop-sdk[pictures]', "
            "or give the bytes of a PNG or JPEG"
        ) from error
    return Image


def _scratch() -> IO[bytes]:
    # Into a file of the system Pillow compresses without the interpreter's lock; into a BytesIO
    # the inference loop would wait for it.
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("sightloop"), "w+b")
    return tempfile.TemporaryFile()


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while content[at] == 0xFF and content[at + 1] == 0xFF:
            at += 1
        if content[at] != 0xFF:
            raise UnreadableImage("the JPEG's segments are broken")
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        if marker in (0xD9, 0xDA):
            raise UnreadableImage("the JPEG has no size before its data")
        at += 2
        if not (0xD0 <= marker <= 0xD7 or marker == 0x01):
            at += struct.unpack(">H", content[at : at + 2])[0]


def _webp_size(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8X":
        return (
            int.from_bytes(content[24:27], "little") + 1,
            int.from_bytes(content[27:30], "little") + 1,
        )
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise UnreadableImage("the WebP's first chunk is unknown")
