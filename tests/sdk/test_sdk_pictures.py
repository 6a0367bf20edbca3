"""Pictures are taken in hand as they are; what is none says so before anything is sent."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightloop_sdk import UnreadableImage
from sightloop_sdk.convert.pictures import hold, read_header


def picture(kind: str = "PNG", size: tuple[int, int] = (31, 17), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 90, 40)).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(500), "comment": b"\xff\xd8"}),
        ("WEBP", {"lossless": True}), ("WEBP", {"quality": 50}),
        ("WEBP", {"exif": b"Exif\0\0" + bytes(20)}),
    ],
)  # fmt: skip
def test_size_and_type_are_read_from_the_head(kind: str, options: dict[str, Any]) -> None:
    header = read_header(picture(kind, **options))
    assert (header.content_type, header.width, header.height) == (f"image/{kind.lower()}", 31, 17)


@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 400), st.binary(max_size=8))
def test_a_cut_picture_has_a_size_or_a_reason(kind: str, cut: int, tail: bytes) -> None:
    content = picture(kind)[:cut] + tail
    with contextlib.suppress(UnreadableImage):
        assert read_header(content).content_type == f"image/{kind.lower()}"


def test_a_path_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    path.write_bytes(picture())
    held = hold(path)
    path.write_bytes(b"overwritten by the next frame")
    assert held.encoded() == picture()
    assert (held.filename, held.width, held.height) == ("a b.png", 31, 17)
    with pytest.raises(UnreadableImage, match="No such file"):
        hold(str(tmp_path / "none.png"))


def test_an_array_that_is_encoded_later_is_copied() -> None:
    frame = np.zeros((8, 12, 3), np.uint8)
    later, now = hold(frame, copy=True), hold(frame)
    frame[:] = 255
    assert np.asarray(Image.open(io.BytesIO(later.encoded()))).max() == 0
    assert np.asarray(Image.open(io.BytesIO(now.encoded()))).min() == 255


@pytest.mark.parametrize(("color", "expected"), [("RGB", (250, 10, 10)), ("BGR", (10, 10, 250))])
def test_channels_are_in_the_order_that_is_said(color: Any, expected: tuple[int, ...]) -> None:
    frame = np.full((16, 16, 3), (250, 10, 10), np.uint8)
    shown = Image.open(io.BytesIO(hold(frame, color=color).encoded()))
    assert np.allclose(np.asarray(shown)[8, 8], expected, atol=6)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((9, 5), "image/jpeg"), ((9, 5, 1), "image/jpeg"), ((9, 5, 4), "image/png")],
)
def test_grey_and_transparent_arrays_are_pictures_too(shape: tuple[int, ...], kind: str) -> None:
    held = hold(np.full(shape, 77, np.uint8))
    header = read_header(held.encoded())
    assert held.content_type == header.content_type == kind
    assert (header.width, header.height) == (held.width, held.height) == (5, 9)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "I;16", "F"])
def test_a_pil_image_of_any_mode_is_encoded_as_what_it_says(mode: str) -> None:
    held = hold(Image.new(mode, (6, 4)))
    assert read_header(held.encoded()).content_type == held.content_type


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (b"GIF89a", "neither PNG, JPEG nor WebP"),
        (np.zeros((4, 4, 3)), "float64 is no picture"),
        (np.zeros((3, 9, 9, 3), np.uint8), "is no picture"),
        (object(), "object is no picture"),
    ],
)
def test_what_is_no_picture_says_what_would_be(wrong: Any, why: str) -> None:
    with pytest.raises(UnreadableImage, match=why):
        hold(wrong)
