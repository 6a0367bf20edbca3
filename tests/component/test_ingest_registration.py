"""Images from places outside: folders and buckets that settings name, taken as jobs."""

import io
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import update

from libs.schemas.events import DataRegistered, JobChanged
from libs.store.tables import job
from services.ingest.parts import Ingest
from services.ingest.tables import registration
from sightloop.dev.s3 import S3Server
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

PATH = "/api/ingest/v1/registrations"
_ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}


def png(red: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 16), (red, 90, 140)).save(out, "PNG")
    return out.getvalue()


def places(monkeypatch: pytest.MonkeyPatch, **addresses: str) -> None:
    monkeypatch.setenv("SIGHTLOOP_INGEST_PLACES", json.dumps(addresses))


async def start(running: RunningServices, place: str, path: str = "", **rest: Any) -> str:
    answer = await running.http.post(PATH, json={"place": place, "path": path, **rest})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def ended(running: RunningServices, registered: str) -> dict[str, Any]:
    """A registration once its job has ended."""

    async def look() -> dict[str, Any]:
        found: dict[str, Any] = (await running.http.get(f"{PATH}/{registered}")).json()
        return found

    return await eventually(look, lambda one: one["state"] in _ENDED)


async def errors_of(running: RunningServices, registered: str, **asked: Any) -> dict[str, Any]:
    answer = await running.http.get(f"{PATH}/{registered}/errors", params=asked)
    found: dict[str, Any] = answer.json()
    return found


def counts(one: dict[str, Any]) -> tuple[int, int, int, int, int]:
    return one["total"], one["added"], one["duplicates"], one["passed_over"], one["failed"]


async def test_a_folder_becomes_images_and_what_leads_out_of_it_does_not(
    service_runner: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "cameras"
    (root / "line 3" / "ä").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.png").write_bytes(png(1))
    (root / "line 3" / "a.png").write_bytes(png(10))
    (root / "line 3" / "b.PNG").write_bytes(png(10))
    (root / "line 3" / "c.jpg").write_bytes(b"no picture")
    (root / "line 3" / "notes.txt").write_text("x")
    (root / "line 3" / "link.png").symlink_to(outside / "secret.png")
    (root / "line 3" / "way").symlink_to(outside)
    os.mkfifo(root / "line 3" / "pipe.png")
    (root / "line 3" / "ä" / "d.png").write_bytes(png(11))
    (root / "line 4").mkdir()
    (root / "line 4" / "e.png").write_bytes(png(12))
    places(monkeypatch, cameras=f"file://{root}", theirs=f"file://{root}?organization={uuid4()}")
    async with service_runner("ingest") as running:
        listed = (await running.http.get(f"{PATH}/places")).json()
        assert listed == {"items": [{"name": "cameras", "kind": "folder"}]}

        first = await start(running, "cameras", "line 3/", source="line 3", tags=["old", "old"])
        done = await ended(running, first)
        assert done["state"] == "SUCCEEDED", done
        assert counts(done) == (8, 2, 1, 2, 3)
        images = (await running.http.get("/api/ingest/v1/data")).json()["items"]
        assert {
            (one["filename"], one["metadata"]["reference"], one["source"], *one["tags"])
            for one in images
        } <= {
            ("a.png", "cameras/line 3/a.png", "line 3", "old"),
            ("b.PNG", "cameras/line 3/b.PNG", "line 3", "old"),
            ("d.png", "cameras/line 3/ä/d.png", "line 3", "old"),
        }
        assert len(images) == 2
        told = await running.wait_for(DataRegistered, 2)
        assert {str(one.data) for one in told} == {one["id"] for one in images}

        one = await errors_of(running, first, limit=2)
        rest = await errors_of(running, first, limit=2, cursor=one["next_cursor"])
        wrong = {item["name"]: item["error"] for item in one["items"] + rest["items"]}
        assert wrong == {
            "line 3/c.jpg": "the picture is no PNG, JPEG or WebP file",
            "line 3/link.png": (
                "it is a symbolic link, or lies behind one: links are not followed"
            ),
            "line 3/pipe.png": "it is no file",
        }
        assert rest["next_cursor"] is None

        again = await ended(running, await start(running, "cameras"))
        assert counts(again) == (9, 1, 3, 2, 3)
        through = await ended(running, await start(running, "cameras", "line 3/way/secret.png"))
        assert counts(through) == (1, 0, 0, 0, 1)
        absent = await ended(running, await start(running, "cameras", "line 9"))
        assert (absent["state"], absent["error"]) == (
            "FAILED",
            "the folder 'line 9': it is not there",
        )
        newest = (await running.http.get(PATH, params={"limit": 1})).json()
        assert [item["id"] for item in newest["items"]] == [absent["id"]]
        assert (await running.stranger.get(PATH)).json()["items"] == []
        assert (await running.stranger.get(f"{PATH}/{first}")).status_code == 404
        assert (await running.stranger.get(f"{PATH}/{first}/errors")).status_code == 404

        for place, path in [
            ("cameras", "../outside"), ("cameras", "line 3/../../outside"), ("cameras", "a\\b"),
            ("cameras", "a//b"), ("cameras", "./a"), ("cameras", "a\0b"), ("nowhere", ""),
            ("theirs", ""), (str(root), ""),
        ]:  # fmt: skip
            refused = await running.http.post(PATH, json={"place": place, "path": path})
            assert refused.status_code == 422, (place, path, refused.text)


async def test_the_next_worker_goes_on_behind_the_last_page_of_one_that_was_killed(
    service_runner: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "cameras"
    (root / "b").mkdir(parents=True)
    for number, name in enumerate(["a.png", "b/1.png", "b/2.png", "b.png", "c.png"]):
        (root / name).write_bytes(png(number))
    places(monkeypatch, cameras=f"file://{root}")
    async with service_runner("ingest") as running:
        database = running.parts(Ingest).database
        done = await ended(running, await start(running, "cameras", "c.png"))
        async with database.begin() as tx:
            # As a worker leaves it that dies after its first page.
            await tx.execute(
                update(registration)
                .where(registration.c.id == UUID(done["id"]))
                .values(path="", position="b/1.png", total=5, added=2, duplicates=0, failed=0)
            )
            await tx.execute(
                update(job)
                .where(job.c.id == UUID(done["id"]))
                .values(
                    state="RUNNING",
                    holder=uuid4(),
                    lease_until=tx.clock.now() - timedelta(seconds=1),
                    finished=None,
                )
            )

        async def look() -> tuple[int, ...]:
            return counts((await running.http.get(f"{PATH}/{done['id']}")).json())

        # b/2.png and b.png are made, c.png was there; a.png and b/1.png are not read again.
        await eventually(look, lambda seen: seen == (5, 4, 1, 0, 0))
        assert (await ended(running, done["id"]))["state"] == "SUCCEEDED"
        images = (await running.http.get("/api/ingest/v1/data")).json()["items"]
        assert sorted(one["filename"] for one in images) == ["2.png", "b.png", "c.png"]


async def test_a_registration_is_cancelled_while_it_waits(
    service_runner: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        for number in range(120):
            (tmp_path / name / f"{number:04}.png").write_bytes(png(number % 250))
    places(monkeypatch, cameras=f"file://{tmp_path}")
    async with service_runner("ingest") as running:
        made = [await start(running, "cameras", name) for name in "abc"]
        for one in made:
            assert (await running.http.post(f"/api/ingest/v1/jobs/{one}/cancel")).status_code == 202
        for one in made:
            seen = await ended(running, one)
            done = sum(counts(seen)[1:])
            assert seen["state"] == "CANCELLED" or done == 120


@pytest.mark.s3
async def test_a_prefix_of_a_bucket_becomes_images_and_nobody_is_told_the_key(
    service_runner: Run, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import urllib3

    from libs.blobs.s3_address import S3Address

    folder = f"registered-{uuid4().hex}"
    address = S3Address.parse(s3.url)
    client = address.client(urllib3.PoolManager())

    def put(key: str, content: bytes) -> None:
        name = f"{folder}/{key}"
        client.put_object(
            bucket_name=address.bucket,
            object_name=name,
            data=io.BytesIO(content),
            length=len(content),
        )

    put("line 3/ä 1.png", png(20))
    put("line 3/2.png", png(21))
    put("line 30/3.png", png(22))
    put("line 3/bad.jpg", b"no picture")
    head, _, query = s3.url.partition("?")
    options = f"?{query}" if query else ""
    wrong = head.replace(str(address.secret_key), "wr0ng") + f"/{folder}{options}"
    places(monkeypatch, archive=f"{head}/{folder}{options}", wrong=wrong)
    async with service_runner("ingest") as running:
        done = await ended(running, await start(running, "archive", "line 3/"))
        assert counts(done) == (3, 2, 0, 0, 1), done
        done = await ended(running, await start(running, "archive", "line 3"))
        assert counts(done) == (4, 1, 2, 0, 1)
        images = (await running.http.get("/api/ingest/v1/data")).json()["items"]
        assert sorted(one["metadata"]["reference"] for one in images) == [
            "archive/line 3/2.png",
            "archive/line 3/ä 1.png",
            "archive/line 30/3.png",
        ]
        nothing = await ended(running, await start(running, "archive", "line 4"))
        assert (nothing["state"], nothing["error"]) == ("FAILED", "nothing lies at 'line 4'")
        refused = await ended(running, await start(running, "wrong"))
        assert refused["state"] == "FAILED"
        assert "the S3 store refuses" in refused["error"]
        told = " ".join(str(one) for one in running.emitted(JobChanged)) + str(refused)
        listed = (await running.http.get(f"{PATH}/places")).text
        for secret in (address.secret_key, address.access_key, "wr0ng", address.host):
            assert str(secret) not in told + listed
