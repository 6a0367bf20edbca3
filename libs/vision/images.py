"""Decoding of images from strangers: what is wrong is said, before memory is spent on it.

`inspect` reads headers and the file's frame only; it decodes no pixel. PNG, JPEG, WebP.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import dropwhile

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

MAX_PIXELS = 100_000_000

_ORIENTATION = 0x0112
_SIDEWAYS = {5, 6, 7, 8}
_TELLING = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
_JPEG_END = b"\xff\xd9"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class ImageFormat(StrEnum):
    """The formats that are accepted, by their content type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"


_ALIASES = {"image/jpg": ImageFormat.JPEG, "image/pjpeg": ImageFormat.JPEG}


def inspect(
    data: bytes, content_type: str | None = None, *, max_pixels: int = MAX_PIXELS
) -> "ImageInfo":
    """Size and format of an image; a typed `ImageRefused` says why it is none.

    `content_type` is what the sender declared, None if nothing. Width and height are those of
    the displayed image, after its EXIF orientation.
    """
    found = _sniff(data)
    if content_type is not None:
        _check_declared(content_type, found)
    width, height = _frame(data, found)
    if width < 1 or height < 1:
        raise ImageDamaged("its header declares no pixels")
    if width * height > max_pixels:
        raise ImageTooLarge(width, height, max_pixels)
    with _opened(data, found) as image:
        if image.size != (width, height):
            raise ImageDamaged("its headers declare two different sizes")
        late = found is not ImageFormat.PNG or _tells_late(data)
        if _orientation(image, late=late) in _SIDEWAYS:
            width, height = height, width
    return ImageInfo(width, height, found)


def decode_rgb(data: bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The displayed image as uint8 (H, W, 3): orientation applied, alpha dropped.

    16-bit samples keep their upper 8 bits; CMYK is converted without a colour profile.
    """
    inspect(data, max_pixels=max_pixels)
    with _opened(data, _sniff(data)) as image:
        return np.asarray(_rgb(_loaded(image)))


def thumbnail(
    data: bytes,
    size: int,
    *,
    content_type: ImageFormat = ImageFormat.WEBP,
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """The image, scaled down to fit a square of `size` pixels, without any metadata."""
    inspect(data, max_pixels=max_pixels)
    with _opened(data, _sniff(data)) as image:
        image.draft("RGB", (size, size))
        small = _rgb(_loaded(image))
        small.thumbnail((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
        out = io.BytesIO()
        small.save(out, format=content_type.name, quality=80)
        return out.getvalue()


def _sniff(data: bytes) -> ImageFormat:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    raise NotAnImage(data)


def _check_declared(content_type: str, found: ImageFormat) -> None:
    declared = content_type.partition(";")[0].strip().lower()
    if _ALIASES.get(declared, declared) != found:
        raise NotWhatItSays(declared, found)


def _frame(data: bytes, found: ImageFormat) -> tuple[int, int]:
    """Declared width and height, after a walk that proves the file to be there to its end."""
    try:
        match found:
            case ImageFormat.PNG:
                return _png_frame(data)
            case ImageFormat.JPEG:
                return _jpeg_frame(data)
            case ImageFormat.WEBP:
                return _webp_frame(data)
    except (struct.error, IndexError) as error:
        raise ImageTruncated(found) from error


def _png_frame(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise ImageDamaged("its first chunk is not the header")
    width, height = struct.unpack_from(">II", data, 16)
    for _ in _png_chunks(data):
        pass
    return int(width), int(height)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """The kinds of the chunks. Raises ImageTruncated, and struct.error where one is cut."""
    position, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if position > len(data):
            raise ImageTruncated(ImageFormat.PNG)
        yield kind


def _tells_late(data: bytes) -> bool:
    """Whether a PNG says something of its orientation behind its pixels, perhaps."""
    return not _TELLING.isdisjoint(dropwhile(lambda kind: kind != b"IDAT", _png_chunks(data)))


def _jpeg_frame(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    position = 2
    while True:
        if data[position] != 0xFF:
            raise ImageDamaged("a JPEG segment does not begin with its marker")
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker in _FRAMES and size is None:
            height, width = struct.unpack_from(">HH", data, position + 5)
            size = (int(width), int(height))
        position += 2 + length
        if marker == 0xDA:
            break
    if size is None:
        raise ImageDamaged("a JPEG scan comes before any frame header")
    if data.rfind(_JPEG_END) < position:
        raise ImageTruncated(ImageFormat.JPEG)
    return size


def _webp_frame(data: bytes) -> tuple[int, int]:
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < 8 + length:
        raise ImageTruncated(ImageFormat.WEBP)
    match data[12:16]:
        case b"VP8X":
            width = 1 + int.from_bytes(data[24:27], "little")
            height = 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            (packed,) = struct.unpack_from("<I", data, 21)
            width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = (v & 0x3FFF for v in struct.unpack_from("<HH", data, 26))
        case _:
            raise ImageDamaged("its first WebP chunk is of no known kind")
    return width, height


def _opened(data: bytes, found: ImageFormat) -> Image.Image:
    """The decoder of that one format, opened without Pillow's process-wide size limit."""
    stream = io.BytesIO(data)
    try:
        match found:
            case ImageFormat.PNG:
                return PngImagePlugin.PngImageFile(stream)
            case ImageFormat.JPEG:
                return JpegImagePlugin.JpegImageFile(stream)
            case ImageFormat.WEBP:
                return WebPImagePlugin.WebPImageFile(stream)
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, struct.error) as error:
        raise ImageDamaged(str(error) or "its header cannot be read") from error


def _loaded(image: Image.Image) -> Image.Image:
    """The decoded, upright image."""
    try:
        image.load()
        return ImageOps.exif_transpose(image) if _orientation(image) > 1 else image
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, struct.error) as error:
        raise ImageDamaged(str(error) or "its pixels cannot be read") from error


def _orientation(image: Image.Image, *, late: bool = True) -> int:
    """The EXIF orientation, 1 where there is none or it cannot be read.

    `late`: it may stand behind a PNG's pixels, which Pillow decodes to get there.
    """
    try:
        exif = image.getexif() if late else Image.Image.getexif(image)
        value = exif.get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        samples = np.asarray(image).astype(np.int64)
        return Image.fromarray((np.clip(samples, 0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    image.info.pop("transparency", None)
    return image if image.mode == "RGB" else image.convert("RGB")


@dataclass(frozen=True)
class ImageInfo:
    """Displayed width and height in pixels, and the true format."""

    width: int
    height: int
    format: ImageFormat


class ImageRefused(ValueError):
    """Bytes that are not taken as an image; the message says why in a sentence."""


class NotAnImage(ImageRefused):
    """Bytes that begin like none of the accepted formats."""

    def __init__(self, data: bytes) -> None:
        what = "the picture is empty" if not data else "the picture is no PNG, JPEG or WebP file"
        super().__init__(what)


class NotWhatItSays(ImageRefused):
    """A format other than the declared content type."""

    def __init__(self, declared: str, found: ImageFormat) -> None:
        super().__init__(f"the picture was declared as {declared} but is {found.value}")


class ImageTruncated(ImageRefused):
    """A file that ends before its format says it does."""

    def __init__(self, found: ImageFormat) -> None:
        super().__init__(f"the {found.name} picture ends before its last byte: it is truncated")


class ImageDamaged(ImageRefused):
    """A file whose structure or pixels cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the picture is damaged: {reason}")


class ImageTooLarge(ImageRefused):
    """A picture that would decompress to more pixels than are allowed."""

    def __init__(self, width: int, height: int, limit: int) -> None:
        super().__init__(
            f"the picture has {width} × {height} pixels; the limit is {limit:,} in all"
        )
