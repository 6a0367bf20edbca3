"""Versions made of versions: asked, copied by a query, compared, frozen; where assets are from."""

import io
from typing import Any
from uuid import UUID, uuid4

from PIL import Image

from libs.schemas.events import SubmissionSettled
from tests.support.feedback import (
    BASE,
    coco,
    deployment,
    get,
    import_coco,
    logged,
    new_version,
    png,
    review,
    submitted,
    zipped,
)
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually


async def names(running: RunningServices, version: UUID, q: str) -> list[str]:
    """File names that a query finds, in order; the count agrees."""
    url = f"{BASE}/versions/{version}/assets"
    listed = await running.http.get(url, params={"q": q})
    assert listed.status_code == 200, listed.text
    found = sorted(item["filename"] for item in listed.json()["items"])
    counted = await running.http.get(f"{url}/count", params={"q": q})
    assert counted.json() == {"count": len(found)}
    return found


async def finished(running: RunningServices, job: str) -> dict[str, Any]:
    """A job once it has ended."""

    async def look() -> dict[str, Any]:
        found: dict[str, Any] = await get(running.http, f"/jobs/{job}")
        return found

    return await eventually(look, lambda one: one["state"] not in ("QUEUED", "RUNNING"))


async def test_a_version_is_asked_copied_compared_and_frozen(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        http = running.http
        version = await new_version(http)
        file = coco(["a.png", "b.png", "empty.png", "unseen.png"])
        file["annotations"][1]["category_id"] = 1
        file["annotations"] = file["annotations"][:2]
        file["annotations"].append(file["annotations"][0] | {"id": 9, "image_id": 1})
        file["images"][3]["annotated"] = False
        pictures = {name["file_name"]: png(i) for i, name in enumerate(file["images"])}
        assert (await import_coco(http, version, file, pictures))["state"] == "SUCCEEDED"

        assert await names(running, version, 'labels = "car"') == ["a.png", "b.png"]
        assert await names(running, version, 'labels = "car" and labels = "bus"') == ["b.png"]
        assert await names(running, version, "boxes > 1") == ["b.png"]
        assert await names(running, version, "boxes = 0") == ["empty.png"]
        assert await names(running, version, "boxes = None") == ["unseen.png"]
        assert await names(running, version, "annotated = False") == ["unseen.png"]
        assert await names(running, version, "labels = None") == ["empty.png", "unseen.png"]
        assert await names(running, version, 'name startswith "b" or width > 64') == ["b.png"]
        url = f"{BASE}/versions/{version}/assets"
        wrong = await http.get(url, params={"q": 'labels = "bsu"'})
        assert wrong.json()["query"] == {"column": 9, "length": 5, "nearest": ['"bus"']}
        offered = await http.get(f"{url}/completions", params={"q": 'labels = "b'})
        assert [one["text"] for one in offered.json()["items"]] == ['"bus"']

        # A prediction that is submitted says who reviewed it.
        made = deployment()
        await running.publish(made)
        shown = await logged(running.context.blobs, made, shade=77)
        await running.publish(submitted(shown, review(), version))
        (told,) = await running.wait_for(SubmissionSettled)
        asset = await get(http, f"/assets/{told.asset}")
        assert (asset["reviewer"], asset["deployment"]) == ("ann", str(made.deployment))
        assert await names(running, version, 'reviewer = "ann"') == [shown.filename]
        small = await http.get(f"{BASE}/assets/{told.asset}/picture", params={"size": 30})
        assert Image.open(io.BytesIO(small.content)).size == (32, 24)
        assert (await http.get(f"{BASE}/assets/{told.asset}/picture")).content == png(77)
        for used in ({"data": str(shown.data)}, {"sha256": shown.picture.sha256}):  # type: ignore[union-attr]  # it has one
            (use,) = (await http.get(f"{BASE}/assets", params=used)).json()["items"]
            assert (use["id"], use["version_name"]) == (str(told.asset), "v1")
        origins = await get(http, f"/versions/{version}/provenance")
        found = [(one["deployment"], one["reviewer"], one["assets"]) for one in origins["items"]]
        assert found == [(None, None, 4), (str(made.deployment), "ann", 1)]

        # A copy of what a query finds, and the difference to it.
        body = {"version": "seen", "q": "annotated = True"}
        asked = await http.post(f"{BASE}/versions/{version}/copies", json=body)
        assert asked.status_code == 202, asked.text
        copy = UUID(asked.json()["version"]["id"])
        assert (await finished(running, asked.json()["job"]))["state"] == "SUCCEEDED"
        held = await get(http, f"/versions/{copy}")
        assert (held["assets"], held["base"], held["query"]) == (4, str(version), body["q"])
        assert await names(running, copy, 'reviewer = "ann"') == [shown.filename]
        taken = await http.post(f"{BASE}/versions/{version}/copies", json=body)
        assert taken.status_code == 409
        bad = await http.post(
            f"{BASE}/versions/{version}/copies", json={"version": "x", "q": "boxes >"}
        )
        assert bad.status_code == 422

        changed = coco(["a.png"])
        changed["annotations"][0]["category_id"] = 1
        assert (await import_coco(http, copy, changed, {"a.png": png(0)}))["state"] == "SUCCEEDED"
        told_of = await get(http, f"/versions/{copy}/difference?base={version}")
        shares = {one["label"]: (one["before"], one["after"]) for one in told_of.pop("labels")}
        assert told_of == {"added": 0, "removed": 1, "changed": 1, "same": 3, "equal": False}
        assert shares == {"car": (3, 2), "bus": (1, 2)}
        images = f"/versions/{copy}/difference/images?base={version}&kind="
        (removed,) = (await get(http, f"{images}removed"))["items"]
        assert (removed["filename"], removed["after"]) == ("unseen.png", None)
        (other,) = (await get(http, f"{images}changed"))["items"]
        assert (other["before"]["labels"], other["after"]["labels"]) == (["car"], ["bus"])
        assert other["asset"] is not None
        assert (await get(http, f"{images}added"))["items"] == []

        # Frozen, it takes nothing more, by whatever way.
        frozen = await http.post(f"{BASE}/versions/{copy}/freeze")
        assert frozen.json()["frozen"] is not None
        job = await import_coco(http, copy, changed, {"a.png": png(0)})
        assert (job["state"], "is frozen" in job["error"]) == ("FAILED", True)
        late = await logged(running.context.blobs, made, shade=78)
        await running.publish(submitted(late, review(), copy))
        refused = (await running.wait_for(SubmissionSettled, 2))[-1]
        assert refused.refused is not None
        assert "is frozen" in refused.refused
        added = await http.post(
            f"{BASE}/versions/{copy}/additions", json={"images": [str(uuid4())]}
        )
        assert (added.status_code, added.json()["type"]) == (409, "/problems/version-frozen")


async def test_images_of_the_datalake_go_into_a_version_by_a_query(service_runner: Run) -> None:
    async with service_runner("ingest", "feedback") as running:
        http = running.http
        version = await new_version(http)
        for shade in range(3):
            tags = ["dock"] if shade else []
            file = {"file": (f"{shade}.png", png(shade))}
            answer = await http.post("/api/ingest/v1/data", files=file, data={"tags": tags})
            assert answer.status_code == 201
        url = f"{BASE}/versions/{version}/additions"
        wrong = await http.post(url, json={"q": 'tgas = "dock"'})
        assert (wrong.status_code, wrong.json()["query"]["nearest"][0]) == (422, "tags")
        asked = await http.post(url, json={"q": 'tags = "dock"'})
        assert asked.status_code == 202, asked.text
        assert (await finished(running, asked.json()["job"]))["state"] == "SUCCEEDED"
        assert await names(running, version, "annotated = False") == ["1.png", "2.png"]


async def _send(running: RunningServices, version: UUID, layout: str, archive: bytes) -> Any:
    """Import an archive, and wait for the end: the job."""
    asked = await running.http.post(
        f"{BASE}/versions/{version}/imports/{layout}", files={"archive": ("a.zip", archive)}
    )
    assert asked.status_code == 202, asked.text
    return await finished(running, asked.json()["job"])


async def test_yolo_and_voc_go_out_and_come_in_again(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        http = running.http
        version = await new_version(http)
        file = coco(["a.png", "b.png", "c.png"])
        file["annotations"][1] |= {"category_id": 1, "bbox": [8.0, 16.0, 32.0, 12.0]}
        file["annotations"] = file["annotations"][:2]
        file["images"][2]["annotated"] = False
        pictures = {f"{name}.png": png(i) for i, name in enumerate("abc")}
        assert (await import_coco(http, version, file, pictures))["state"] == "SUCCEEDED"
        digest = (await get(http, f"/versions/{version}"))["digest"]

        for layout in ("yolo", "voc"):
            out = await http.get(f"{BASE}/versions/{version}/exports/{layout}")
            assert out.headers["content-type"] == "application/zip"
            again = await new_version(http)
            job = await _send(running, again, layout, out.content)
            assert (job["state"], job["error"]) == ("SUCCEEDED", None)
            assert (await get(http, f"/versions/{again}"))["annotated"] == 2
            same = await get(http, f"/versions/{again}/difference?base={version}")
            assert (same["added"], same["removed"]) == (0, 0)
            if layout == "voc":
                assert (await get(http, f"/versions/{again}"))["digest"] == digest

        # One bad line, and nothing of it is there.
        bad = {"images/a.png": png(0), "images/b.png": png(1), "labels/a.txt": b"0 .5 .5 .1 .1\n"}
        bad["labels/b.txt"] = b"0 .5 .5 .1 .1\n\n7 .5 .5 .1 .1\n"
        empty = await new_version(http)
        job = await _send(running, empty, "yolo", zipped(bad))
        assert job["state"] == "FAILED"
        assert job["error"] == "labels/b.txt line 3: there is no class 7; there are 2"
        assert await names(running, empty, "") == []

        classes = await new_version(http, type="CLASSIFICATION")
        for path in ("exports/yolo", "exports/voc"):
            assert (await http.get(f"{BASE}/versions/{classes}/{path}")).status_code == 422
