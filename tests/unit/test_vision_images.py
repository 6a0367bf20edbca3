"""Hostile and odd images are refused with a reason, or decoded as they are displayed."""

import contextlib
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from libs.vision import images
from libs.vision.images import ImageFormat


def picture(width=40, height=30, *, mode="RGB", kind="PNG", **options):
    rng = np.random.default_rng(3)
    bands = len(Image.new(mode, (1, 1)).getbands())
    out = io.BytesIO()
    image = Image.frombytes(mode, (width, height), rng.bytes(width * height * bands))
    image.save(out, format=kind, **options)
    return out.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width, height):
    """A PNG of zeros: a few kilobytes that decompress to width·height bytes."""
    packer = zlib.compressobj(9)
    body = packer.compress(bytes(min(width * height, 10_000_000))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_accepted_format_tells_its_size_and_decodes(kind):
    data = picture(kind=kind)
    info = images.inspect(data, ImageFormat[kind].value)
    assert (info.width, info.height, info.format) == (40, 30, ImageFormat[kind])
    assert images.decode_rgb(data).shape == (30, 40, 3)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_header_is_read(mode, lossless):
    info = images.inspect(picture(33, 21, mode=mode, kind="WEBP", lossless=lossless))
    assert (info.width, info.height) == (33, 21)


def test_lossless_pixels_come_back_unchanged():
    data = picture()
    expected = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(images.decode_rgb(data), expected)


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"GIF89a" + bytes(50), bytes(100)])
def test_what_is_no_image_is_refused_as_such(data):
    with pytest.raises(images.NotAnImage):
        images.inspect(data)


def test_a_png_declared_as_jpeg_is_refused_and_both_are_named():
    with pytest.raises(images.NotWhatItSays, match=r"image/jpeg but is image/png"):
        images.inspect(picture(), "image/jpeg")


def test_the_usual_misspelling_of_jpeg_and_parameters_are_accepted():
    assert images.inspect(picture(kind="JPEG"), "image/JPG; q=1").format is ImageFormat.JPEG


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused_before_it_is_decoded(kind, share):
    data = picture(kind=kind)
    cut = data[: max(12, int(len(data) * share))]
    with pytest.raises((images.ImageTruncated, images.ImageDamaged)):
        images.inspect(cut)


def test_a_decompression_bomb_is_refused_by_its_header_without_its_memory():
    data = bomb(60_000, 60_000)
    assert len(data) < 20_000
    tracemalloc.start()
    with pytest.raises(images.ImageTooLarge, match="60000 × 60000"):
        images.decode_rgb(data)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_webp_that_declares_a_huge_canvas_is_refused_before_its_decoder_sees_it():
    data = bytearray(picture(mode="RGBA", kind="WEBP"))
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xfe\x3f\x00\xfe\x3f\x00"
    with pytest.raises(images.ImageTooLarge):
        images.inspect(bytes(data))


def test_the_pixel_limit_is_the_callers():
    with pytest.raises(images.ImageTooLarge):
        images.inspect(picture(), max_pixels=1199)
    assert images.inspect(picture(), max_pixels=1200).width == 40


def test_pixels_that_are_missing_inside_a_complete_frame_are_damage():
    data = bomb(4000, 4000)
    assert images.inspect(data).width == 4000
    with pytest.raises(images.ImageDamaged):
        images.decode_rgb(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied_and_the_size_is_the_displayed_one(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = picture(kind=kind, exif=exif.tobytes())
    info = images.inspect(data)
    assert (info.width, info.height) == (30, 40)
    assert images.decode_rgb(data).shape == (40, 30, 3)
    small = images.thumbnail(data, 20)
    assert (images.inspect(small).width, images.inspect(small).height) == (15, 20)


def test_sixteen_bit_grey_keeps_its_upper_byte():
    samples = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    out = io.BytesIO()
    Image.fromarray(samples).save(out, format="PNG")
    decoded = images.decode_rgb(out.getvalue())
    np.testing.assert_array_equal(decoded[..., 1], samples >> 8)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA"])
def test_other_png_modes_become_rgb(mode):
    out = io.BytesIO()
    Image.new("RGBA", (9, 5), (200, 10, 20, 255)).convert(mode).save(out, format="PNG")
    assert images.decode_rgb(out.getvalue()).shape == (5, 9, 3)


def test_cmyk_becomes_rgb():
    out = io.BytesIO()
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(out, format="JPEG")
    red, green, blue = images.decode_rgb(out.getvalue())[8, 8]
    assert red > 200
    assert green < 60
    assert blue < 60


@pytest.mark.parametrize("content_type", list(ImageFormat))
def test_a_thumbnail_fits_its_square_and_never_grows(content_type):
    big = images.inspect(images.thumbnail(picture(400, 200), 64, content_type=content_type))
    assert (big.width, big.height, big.format) == (64, 32, content_type)
    assert images.inspect(images.thumbnail(picture(8, 4), 64)).width == 8


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP"]),
    position=st.integers(0, 2000),
    noise=st.binary(min_size=1, max_size=8),
)
def test_a_damaged_file_decodes_or_is_refused_but_never_fails_otherwise(kind, position, noise):
    data = bytearray(picture(kind=kind))
    position %= len(data)
    data[position : position + len(noise)] = noise
    with contextlib.suppress(images.ImageRefused):
        info = images.inspect(bytes(data), max_pixels=1_000_000)
        decoded = images.decode_rgb(bytes(data), max_pixels=1_000_000)
        assert decoded.shape == (info.height, info.width, 3)
