"""One suite for every blob store: a folder, and a bucket of a real S3 server."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from libs.blobs.blobs import BadKey, BlobEntry, BlobInfo, BlobNotFound, Blobs, BlobsUnavailable
from libs.blobs.files import FileBlobs
from libs.blobs.keys import content_key
from libs.blobs.opening import open_blobs
from libs.blobs.s3_address import BadBlobsAddress, S3Address
from libs.blobs.signing import verify_signature
from sightloop.dev.process import free_port
from sightloop.dev.s3 import S3Server

ROOT = Path(__file__).parents[2]
ORIGIN = "https://sightloop.example"
BAD_KEYS = ["", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a/.b", "a\\b", "a\0b"]
BAD_KEYS += ["a\n", "ä", "a b", "a~", "a%2e", "x" * 201, "/".join(["abc"] * 200)]


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def blobs_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "files":
        return f"file://{tmp_path}/blobs"
    return str(request.getfixturevalue("s3").url)


@pytest.fixture
async def blobs(blobs_url: str) -> AsyncIterator[Blobs]:
    async with open_blobs(blobs_url, public_url=ORIGIN) as store:
        yield store


@pytest.fixture
def folder() -> str:
    """A prefix of its own: the bucket is shared by the tests of a session."""
    return f"t-{uuid4().hex}"


async def keys_of(blobs: Blobs, prefix: str) -> list[str]:
    return [entry.key for entry in (await blobs.list(prefix)).entries]


async def test_what_is_put_is_what_is_got(blobs: Blobs, folder: str) -> None:
    data = os.urandom(100_000)
    key = f"{folder}/a-b_c.d=e@f+g/picture.jpg"
    before = datetime.now(UTC) - timedelta(seconds=2)
    put = await blobs.put(key, data, content_type="image/jpeg")
    assert await blobs.get(key) == data
    found = await blobs.stat(key)
    assert found is not None
    for info in (put, found):
        assert info == BlobInfo(
            key, len(data), "image/jpeg", hashlib.sha256(data).hexdigest(), info.modified
        )
        assert before < info.modified < datetime.now(UTC) + timedelta(seconds=2)


async def test_an_empty_blob_is_a_blob(blobs: Blobs, folder: str) -> None:
    await blobs.put(f"{folder}/empty", b"", content_type="text/plain")
    assert await blobs.get(f"{folder}/empty") == b""
    assert [piece async for piece in blobs.stream(f"{folder}/empty")] == []
    assert await keys_of(blobs, folder) == [f"{folder}/empty"]


async def test_a_second_put_replaces_bytes_type_and_hash(blobs: Blobs, folder: str) -> None:
    await blobs.put(f"{folder}/a", b"first, longer", content_type="text/plain")
    await blobs.put(f"{folder}/a", b"second", content_type="text/csv")
    found = await blobs.stat(f"{folder}/a")
    assert found is not None
    assert (found.size, found.content_type) == (6, "text/csv")
    assert found.sha256 == hashlib.sha256(b"second").hexdigest()
    assert await blobs.get(f"{folder}/a") == b"second"


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (None, None, b"0123456789"),
        (0, 4, b"0123"),
        (None, 3, b"012"),
        (7, None, b"789"),
        (8, 100, b"89"),
        (10, None, b""),
        (11, 5, b""),
    ],
)
async def test_a_range_gives_its_bytes(
    blobs: Blobs, folder: str, start: int | None, length: int | None, expected: bytes
) -> None:
    await blobs.put(f"{folder}/digits", b"0123456789", content_type="text/plain")
    assert await blobs.get(f"{folder}/digits", start=start, length=length) == expected


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, 0), (0, -1)])
async def test_a_range_no_blob_has_is_refused(
    blobs: Blobs, folder: str, start: int, length: int | None
) -> None:
    with pytest.raises(ValueError, match="not a range"):
        await blobs.get(f"{folder}/digits", start=start, length=length)


async def test_a_large_file_goes_in_and_comes_out_in_pieces(
    blobs: Blobs, folder: str, tmp_path: Path
) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(os.urandom(12 * 1024 * 1024 + 17))
    put = await blobs.put_file(f"{folder}/model", source, content_type="application/onnx")
    digest, size, pieces = hashlib.sha256(), 0, 0
    async for piece in blobs.stream(f"{folder}/model"):
        digest.update(piece)
        size, pieces = size + len(piece), pieces + 1
        assert len(piece) <= 1024 * 1024
    assert (put.size, put.sha256) == (size, digest.hexdigest())
    assert size == source.stat().st_size
    assert pieces > 10
    found = await blobs.stat(f"{folder}/model")
    assert found is not None
    assert (found.size, found.sha256) == (put.size, put.sha256)


async def test_what_is_not_there_is_not_found(blobs: Blobs, folder: str) -> None:
    assert await blobs.stat(f"{folder}/absent") is None
    with pytest.raises(BlobNotFound, match="absent"):
        await blobs.get(f"{folder}/absent")
    with pytest.raises(BlobNotFound, match="absent"):
        await anext(blobs.stream(f"{folder}/absent"))


async def test_a_blob_is_deleted_once_and_again(blobs: Blobs, folder: str) -> None:
    await blobs.put(f"{folder}/a", b"x", content_type="text/plain")
    await blobs.delete(f"{folder}/a")
    await blobs.delete(f"{folder}/a")
    assert await blobs.stat(f"{folder}/a") is None
    assert await keys_of(blobs, folder) == []


async def test_a_listing_has_every_key_once_in_order_over_pages(blobs: Blobs, folder: str) -> None:
    names = ["a-1", "a.1", "a/1", "a/2/x", "a0", "b", "ba", "c/d/e"]
    keys = sorted(f"{folder}/{name}" for name in names)
    for size, key in enumerate(keys):
        await blobs.put(key, b"x" * size, content_type="text/plain")
    for limit in (1, 3, 8, 9):
        seen: list[BlobEntry] = []
        after = None
        while True:
            page = await blobs.list(f"{folder}/", limit=limit, after=after)
            assert len(page.entries) <= limit
            seen += page.entries
            after = page.after
            if after is None:
                break
        assert [entry.key for entry in seen] == keys
        assert [entry.size for entry in seen] == list(range(len(keys)))


async def test_a_prefix_may_end_anywhere(blobs: Blobs, folder: str) -> None:
    for name in ("ab/1", "ab/2", "abc", "b"):
        await blobs.put(f"{folder}/{name}", b"", content_type="text/plain")
    assert await keys_of(blobs, f"{folder}/ab") == [
        f"{folder}/{n}" for n in ("ab/1", "ab/2", "abc")
    ]
    assert await keys_of(blobs, f"{folder}/ab/") == [f"{folder}/ab/1", f"{folder}/ab/2"]
    assert await keys_of(blobs, f"{folder}/none") == []
    beyond = await blobs.list(f"{folder}/a", after=f"{folder}/ab/1")
    assert [entry.key for entry in beyond.entries] == [f"{folder}/ab/2", f"{folder}/abc"]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_a_key_that_could_leave_its_folder_is_refused(blobs: Blobs, key: str) -> None:
    with pytest.raises(BadKey):
        await blobs.put(key, b"x", content_type="text/plain")
    for call in (blobs.get, blobs.stat, blobs.delete):
        with pytest.raises(BadKey):
            await call(key)
    with pytest.raises(BadKey):
        await anext(blobs.stream(key))
    with pytest.raises(BadKey):
        await blobs.presign_get(key, expires=timedelta(minutes=1))


@pytest.mark.parametrize("prefix", ["../", "/", "a//", ".a", "a/../b"])
async def test_a_prefix_that_no_key_has_is_refused(blobs: Blobs, prefix: str) -> None:
    with pytest.raises(BadKey):
        await blobs.list(prefix)


async def test_a_reader_never_sees_half_of_a_put(blobs: Blobs, folder: str) -> None:
    key = f"{folder}/hot"
    versions = [bytes([number]) * 300_000 for number in range(6)]
    await blobs.put(key, versions[0], content_type="text/plain")
    writers = asyncio.gather(
        *(blobs.put(key, version, content_type="text/plain") for version in versions)
    )
    while not writers.done():
        assert await blobs.get(key) in versions
    await writers
    assert await blobs.get(key) in versions


async def test_many_calls_at_once_are_all_answered(blobs: Blobs, folder: str) -> None:
    keys = [f"{folder}/{number:03}" for number in range(60)]
    await asyncio.gather(*(blobs.put(key, key.encode(), content_type="text/plain") for key in keys))
    assert await asyncio.gather(*map(blobs.get, keys)) == [key.encode() for key in keys]


async def test_an_address_lives_a_week_at_most(blobs: Blobs, folder: str) -> None:
    for lifetime in (timedelta(0), timedelta(days=8)):
        with pytest.raises(ValueError, match="1 second to 7 days"):
            await blobs.presign_get(f"{folder}/a", expires=lifetime)


@pytest.mark.s3
@pytest.mark.parametrize("blobs_url", ["s3"], indirect=True)
async def test_a_presigned_address_of_a_bucket_gives_the_bytes(blobs: Blobs, folder: str) -> None:
    await blobs.put(f"{folder}/a", b"bytes", content_type="image/png")
    address = await blobs.presign_get(
        f"{folder}/a", expires=timedelta(minutes=1), filename="Größe 1.png"
    )
    async with httpx.AsyncClient() as client:
        answer = await client.get(address)
        assert (answer.content, answer.headers["content-type"]) == (b"bytes", "image/png")
        expected = "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.png"
        assert answer.headers["content-disposition"] == expected
        assert (await client.get(address.replace(f"{folder}/a", f"{folder}/b"))).status_code == 403


@pytest.mark.parametrize("blobs_url", ["files"], indirect=True)
async def test_a_signed_address_of_a_folder_holds_for_one_key_name_and_time(
    blobs: FileBlobs, tmp_path: Path
) -> None:
    before = time.time()
    address = await blobs.presign_get("a/b", expires=timedelta(minutes=1), filename="x y.png")
    assert address.startswith(f"{ORIGIN}/blobs/a/b?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    expires, now = int(query["expires"]), time.time()
    assert before + 59 <= expires <= now + 61

    def holds(key: str = "a/b", **changed: object) -> bool:
        asked = {"expires": expires, "signature": query["signature"], "filename": "x y.png"}
        arguments = asked | {"now": now} | changed
        return verify_signature(blobs.signing_key, key, **arguments)  # type: ignore[arg-type]

    assert holds()
    assert not holds(now=float(expires))
    assert not holds("a/c")
    assert not holds(expires=expires + 1)
    assert not holds(filename=None)
    assert not holds(signature="ä")
    other = await FileBlobs.open(tmp_path / "other", public_url=ORIGIN)
    assert other.signing_key != blobs.signing_key
    await other.close()


async def test_a_folder_keeps_blobs_and_signing_key_over_a_restart(tmp_path: Path) -> None:
    first = await FileBlobs.open(tmp_path / "blobs", public_url=ORIGIN)
    await first.put("a", b"kept", content_type="text/plain")
    await first.close()
    again = await FileBlobs.open(tmp_path / "blobs", public_url=ORIGIN)
    assert await again.get("a") == b"kept"
    assert again.signing_key == first.signing_key
    assert (tmp_path / "blobs" / "signing-key").stat().st_mode & 0o777 == 0o600
    await again.close()


async def test_a_failed_put_leaves_nothing_behind(tmp_path: Path) -> None:
    blobs = await FileBlobs.open(tmp_path / "blobs", public_url=ORIGIN)
    with pytest.raises(ValueError, match="content type"):
        await blobs.put("a", b"x", content_type="x" * 1000)
    assert await blobs.stat("a") is None
    assert not list((tmp_path / "blobs" / "scratch").iterdir())
    await blobs.close()


async def test_a_damaged_file_is_not_served(tmp_path: Path) -> None:
    blobs = await FileBlobs.open(tmp_path / "blobs", public_url=ORIGIN)
    await blobs.put("a", b"x" * 100, content_type="text/plain")
    (path,) = (tmp_path / "blobs" / "objects").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    for call in (blobs.get, blobs.stat):
        with pytest.raises(BlobsUnavailable, match="damaged"):
            await call("a")
    await blobs.close()


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a mount of one's own needs root and unshare")
    script = """
import asyncio, sys
from pathlib import Path
from libs.blobs.blobs import StorageFull
from libs.blobs.files import FileBlobs

async def main():
    blobs = await FileBlobs.open(Path(sys.argv[1]), public_url="http://x")
    try:
        await blobs.put("a", bytes(4_000_000), content_type="text/plain")
    except StorageFull:
        await blobs.put("b", bytes(1000), content_type="text/plain")
        print("full, then room again", await blobs.stat("a"))
    await blobs.close()

asyncio.run(main())
"""
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path}\nexec "$@"'
    command = ["unshare", "--mount", "sh", "-ec", mount, "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", script, str(tmp_path / "blobs")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    assert done.stdout == "full, then room again None\n", done.stderr


@pytest.mark.s3
async def test_a_store_that_is_away_is_unavailable_soon() -> None:
    address = f"s3://key:secret@127.0.0.1:{free_port()}/bucket?tls=off"
    async with open_blobs(address, public_url=ORIGIN) as blobs:
        begun = time.monotonic()
        for call in (blobs.get, blobs.stat, blobs.delete, blobs.list):
            with pytest.raises(BlobsUnavailable):
                await call("a")
        with pytest.raises(BlobsUnavailable):
            await blobs.put("a", b"x", content_type="text/plain")
        assert time.monotonic() - begun < 120


@pytest.mark.s3
@pytest.mark.parametrize("wrong", ["who:what@{host}/sightloop", "{key}:what@{host}/sightloop",
                                   "{key}:{secret}@{host}/nosuch"])  # fmt: skip
async def test_a_store_that_refuses_us_is_unavailable_and_its_blobs_not_absent(
    s3: S3Server, wrong: str
) -> None:
    host = s3.endpoint.removeprefix("http://")
    url = wrong.format(host=host, key=s3.access_key, secret=s3.secret_key)
    async with open_blobs(f"s3://{url}?tls=off", public_url=ORIGIN) as blobs:
        for call in (blobs.get, blobs.stat, blobs.delete, blobs.list):
            with pytest.raises(BlobsUnavailable):
                await call("a")


def test_equal_contents_have_one_key() -> None:
    sha256 = hashlib.sha256(b"x").hexdigest()
    assert content_key("data/org", sha256, ".jpg") == f"data/org/{sha256[:2]}/{sha256}.jpg"
    with pytest.raises(BadKey):
        content_key("data", sha256.upper(), ".jpg")
    with pytest.raises(BadKey):
        content_key("data", sha256, "/../x")


def test_an_address_of_a_bucket_is_read_whole() -> None:
    address = "s3://k%2F:s%40@store:9000/bucket?tls=off&region=eu-west-1&public=https://s.example"
    assert S3Address.parse(address) == S3Address(
        host="store:9000",
        bucket="bucket",
        access_key="k/",
        secret_key="s@",
        tls=False,
        region="eu-west-1",
        public="https://s.example",
    )


@pytest.mark.parametrize(
    "address",
    ["s3://host", "s3:///bucket", "s3://host/a/b", "s3://k@host/b", "s3://k:hush@host/b?tls=maybe",
     "s3://k:hush@host/b?tsl=off", "file://host/folder", "http://host/bucket", "folder"],
)  # fmt: skip
async def test_an_address_that_cannot_be_read_is_refused_without_its_secret(address: str) -> None:
    with pytest.raises(BadBlobsAddress) as raised:
        async with open_blobs(address, public_url=ORIGIN):
            pass
    assert "hush" not in str(raised.value)


async def test_closing_a_stream_early_frees_it(blobs: Blobs, folder: str) -> None:
    await blobs.put(f"{folder}/a", bytes(5_000_000), content_type="text/plain")
    async with contextlib.aclosing(blobs.stream(f"{folder}/a")) as pieces:  # type: ignore[type-var]
        assert len(await anext(pieces)) > 0
    assert len(await blobs.get(f"{folder}/a")) == 5_000_000
