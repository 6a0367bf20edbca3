"""A prediction with its picture in a form is answered before the router as by the router."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from libs.vision.images import inspect
from services.ingest.core.form import read_form
from tests.support.door import Answer, Door, open_door
from tests.unit.test_monitor_front import good

KIND = "multipart/form-data; boundary=b-1_x"
FIELD = b'Content-Disposition: form-data; name="prediction"'
FILE = b'Content-Disposition: form-data; name="image"; filename="belt 17.png"\r\n'
FILE += b"Content-Type: image/png"
DOCUMENT = good()


def picture(kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (9, 99, 199)).save(out, kind, **options)
    return out.getvalue()


def form(*parts: tuple[bytes, bytes], before: bytes = b"", after: bytes = b"\r\n") -> bytes:
    body = b"".join(b"--b-1_x\r\n%b\r\n\r\n%b\r\n" % part for part in parts)
    return before + body + b"--b-1_x--" + after


PNG = picture()
PLAIN = {
    "in its order": (KIND, form((FIELD, DOCUMENT), (FILE, PNG))),
    "the picture first": (KIND, form((FILE, PNG), (FIELD, DOCUMENT))),
    "no last line end": (KIND, form((FIELD, DOCUMENT), (FILE, PNG), after=b"")),
    "names without quotes": (
        'multipart/form-data;boundary="b-1_x"',
        form((FIELD.replace(b'"', b""), DOCUMENT), (FILE.replace(b'"belt 17.png"', b"a.png"), PNG)),
    ),
}
UNUSUAL = {
    "a preamble": (KIND, form((FIELD, DOCUMENT), (FILE, PNG), before=b"hello\r\n")),
    "an epilogue": (KIND, form((FIELD, DOCUMENT), (FILE, PNG), after=b"\r\nbye")),
    "another boundary": (KIND + "y", form((FIELD, DOCUMENT), (FILE, PNG))),
    "no boundary": ("multipart/form-data", form((FIELD, DOCUMENT), (FILE, PNG))),
    "no picture": (KIND, form((FIELD, DOCUMENT))),
    "no prediction": (KIND, form((FILE, PNG))),
    "two predictions": (KIND, form((FIELD, DOCUMENT), (FIELD, DOCUMENT), (FILE, PNG))),
    "a third part": (
        KIND, form((FIELD, DOCUMENT), (FILE, PNG), (FIELD.replace(b"prediction", b"x"), b"y")),
    ),
    "a picture that is no file": (
        KIND, form((FIELD, DOCUMENT), (FIELD.replace(b"prediction", b"image"), PNG)),
    ),
    "a prediction that is a file": (
        KIND, form((FILE.replace(b"image", b"prediction", 1), DOCUMENT), (FILE, PNG)),
    ),
    "a header of its own": (KIND, form((FIELD, DOCUMENT), (FILE + b"\r\nX-Mine: 1", PNG))),
    "what looks like a boundary": (KIND, form((FIELD, DOCUMENT), (FILE, PNG + b"\r\n--b-1_xy"))),
    "no UTF-8": (KIND, form((FIELD, DOCUMENT.replace(b"a.png", b"\xe9.png")), (FILE, PNG))),
    "no JSON": (KIND, form((FIELD, b"{"), (FILE, PNG))),
    "a picture that is none": (KIND, form((FIELD, DOCUMENT), (FILE, b"GIF89a"))),
    "a picture that is cut": (KIND, form((FIELD, DOCUMENT), (FILE, PNG[:-20]))),
    "a picture that is another": (KIND, form((FIELD, DOCUMENT), (FILE, picture("JPEG")))),
    "an empty picture": (KIND, form((FIELD, DOCUMENT), (FILE, b""))),
}  # fmt: skip


async def both(door: Door, kind: str, body: bytes) -> tuple[Answer, Answer, list[str]]:
    """The answers of the process and of the router, and what the first asked the router."""
    path = door.prediction_path(await door.deploy())
    told = {"content-type": kind}
    await door.post(path, good())
    events = []
    answers = []
    routed: list[str] = []
    for app in (door.front, door.router):
        door.sink.taken.clear()
        door.routed.clear()
        answers.append(await door.post(path, [body[:99], body[99:]], app=app, headers=told))
        routed = routed or list(door.routed) if app is door.front else routed
        events.append([event.data.logged for event in door.logged()])
    assert events[0] == events[1]
    return answers[0], answers[1], routed


def undated(answer: Answer) -> Answer:
    document = {name: what for name, what in json.loads(answer.body).items() if name != "trace"}
    headers = {name: text for name, text in answer.headers.items() if name != "content-length"}
    return Answer(answer.status, headers, json.dumps(document).encode())


@pytest.mark.parametrize(("kind", "body"), PLAIN.values(), ids=PLAIN)
async def test_a_plain_form_needs_no_router(tmp_path: Path, kind: str, body: bytes) -> None:
    async with open_door(tmp_path) as door:
        front, declared, routed = await both(door, kind, body)
        assert front == declared
        assert (front.status, routed) == (201, [])
        (event,) = door.logged()
        kept = event.data.logged.picture
        assert kept is not None
        assert await door.parts.blobs.get(kept.key) == PNG


@pytest.mark.parametrize(("kind", "body"), UNUSUAL.values(), ids=UNUSUAL)
async def test_an_unusual_form_is_answered_as_declared(
    tmp_path: Path, kind: str, body: bytes
) -> None:
    async with open_door(tmp_path) as door:
        front, declared, routed = await both(door, kind, body)
        assert undated(front) == undated(declared)
        assert routed != []


def test_a_form_without_its_end_is_declined() -> None:
    whole = form((FIELD, DOCUMENT), (FILE, PNG), after=b"")
    assert read_form(KIND.encode(), whole) is not None
    for end in range(0, len(whole), 7):
        assert read_form(KIND.encode(), whole[:end]) is None
    assert read_form(KIND.encode(), whole[:-1]) is None


@given(st.binary(max_size=300), st.binary(max_size=300), st.booleans())
def test_what_a_client_writes_is_read_whole(first: bytes, second: bytes, large: bool) -> None:
    document = json.dumps({"x": first.hex()}).encode()
    content = second * 4000 if large else second
    made = httpx.Request(
        "POST", "http://x", data={"prediction": document.decode()},
        files={"image": ("a.png", content, "image/png")},
    )  # fmt: skip
    read = read_form(made.headers["content-type"].encode(), made.read())
    if len(content) < 2**20:
        assert read == (document, content)
    else:
        assert read is None


@pytest.mark.parametrize("late", [False, True])
def test_the_orientation_of_a_png_is_found_before_and_behind_its_pixels(late: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = picture(exif=exif)
    if late:
        at = data.index(b"eXIf") - 4
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        chunk, rest = data[at:end], data[:at] + data[end:]
        data = rest[:-12] + chunk + rest[-12:]
    info = inspect(data)
    assert (info.width, info.height) == (48, 64)
    assert (inspect(PNG).width, inspect(PNG).height) == (64, 48)


async def test_a_picture_in_the_json_is_kept_without_the_router(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        raw = good(image=base64.b64encode(PNG).decode())
        assert (await door.post(path, raw)).status == 201
        first = door.logged()[0].data.logged
        assert first.picture is not None
        door.sink.taken.clear()
        assert (await door.post(path, raw, app=door.router)).status == 201
        assert door.logged()[0].data.logged == first
        assert door.routed == []
