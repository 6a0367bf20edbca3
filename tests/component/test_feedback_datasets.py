"""Datasets over HTTP: versions, COCO in and out, settling, and what is refused."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from libs.schemas.events import DatasetVersionChanged
from libs.schemas.manifest import Annotation, read_manifest
from libs.store import schema
from services.feedback.parts import Feedback
from services.feedback.service import SCHEMA
from tests.support.feedback import BASE, bomb, coco, get, import_coco, new_version, png, zipped
from tests.support.services import Run
from tests.support.waiting import eventually

BCCD = Path(__file__).parents[3] / "shared" / "data" / "bccd"


async def test_the_migrations_make_the_tables_that_the_code_says(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        engine = running.parts(Feedback).database.engine
        async with engine.connect() as connection:
            found = await connection.run_sync(schema.differences, SCHEMA)
    assert [one for one in found if "alembic_version" not in str(one)] == []


async def test_a_dataset_and_its_versions_are_made_once_and_listed(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        http = running.http
        made = await http.post(f"{BASE}/datasets", json={"name": "cells", "description": "blood"})
        dataset = made.json()
        assert made.status_code == 201
        assert await get(http, f"/datasets/{dataset['id']}") == dataset
        again = await http.post(f"{BASE}/datasets", json={"name": "cells"})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/name-taken")

        body = {"version": "v1", "type": "OBJECT_DETECTION", "labels": ["b", "a"]}
        url = f"{BASE}/datasets/{dataset['id']}/versions"
        version = (await http.post(url, json=body)).json()
        assert version["labels"] == ["b", "a"]
        assert version["dataset_name"] == "cells"
        assert version["state"] == "ACTIVE"
        assert (await http.post(url, json=body)).status_code == 409
        body = {"version": "v2", "type": "CLASSIFICATION", "labels": []}
        other = (await http.post(url, json=body)).json()

        listed = await get(http, f"/datasets/{dataset['id']}/versions")
        assert [one["id"] for one in listed["items"]] == [other["id"], version["id"]]
        first = await get(http, "/versions?limit=1")
        assert [one["id"] for one in first["items"]] == [other["id"]]
        rest = await get(http, f"/versions?limit=1&cursor={first['next_cursor']}")
        assert [one["id"] for one in rest["items"]] == [version["id"]]
        some = await get(http, "/versions?type=OBJECT_DETECTION")
        assert [one["id"] for one in some["items"]] == [version["id"]]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"version": "v", "type": "OBJECT_DETECTION", "labels": ["a", "a"]}, "labels"),
        ({"version": "v", "type": "OBJECT_DETECTION", "labels": ["\x00"]}, "labels[0]"),
        ({"version": " ", "type": "OBJECT_DETECTION"}, "version"),
        ({"version": "v", "type": "MASK"}, "type"),
        ({"version": "v", "type": "CLASSIFICATION", "colour": "red"}, "colour"),
    ],
)
async def test_a_version_that_cannot_be_is_refused_with_the_place(
    service_runner: Run, body: dict[str, Any], where: str
) -> None:
    async with service_runner("feedback") as running:
        made = (await running.http.post(f"{BASE}/datasets", json={"name": "d"})).json()
        url = f"{BASE}/datasets/{made['id']}/versions"
        refused = await running.http.post(url, json=body)
        assert refused.status_code == 422
        assert [error["where"] for error in refused.json()["errors"]] == [where]


@pytest.mark.slow
async def test_coco_goes_in_settles_and_comes_out_again(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        http = running.http
        version = await new_version(http)
        file = coco(["a.png", "b.png"])
        file["annotations"][1]["iscrowd"] = 1
        pictures = {"in/a.png": png(1), "in/b.png": png(2)}
        job = await import_coco(http, version, file, pictures)
        assert (job["state"], job["error"]) == ("SUCCEEDED", None)

        found = await get(http, f"/versions/{version}")
        assert (found["assets"], found["annotated"], found["settled"]) == (2, 2, True)
        assert found["objects_per_label"] == {"car": 2, "bus": 0}
        manifest = read_manifest(await running.context.blobs.get(found["manifest"]))
        assert manifest.header.digest == found["digest"]
        assert {asset.filename for asset in manifest.assets} == {"a.png", "b.png"}
        for asset in manifest.assets:
            assert asset.picture.startswith("feedback/")
            kept = await running.context.blobs.get(asset.picture)
            assert hashlib.sha256(kept).hexdigest() == asset.sha256

        async def told() -> list[DatasetVersionChanged]:
            return running.emitted(DatasetVersionChanged)[-1:]

        (changed,) = await eventually(
            told, lambda events: [event.digest for event in events] == [found["digest"]]
        )
        assert changed.manifest == found["manifest"]
        revisions = [event.revision for event in running.emitted(DatasetVersionChanged)]
        assert revisions == sorted(set(revisions))

        exported = await http.get(f"{BASE}/versions/{version}/exports/coco")
        assert exported.status_code == 200
        assert exported.headers["etag"] == f'"{found["digest"]}"'
        assert {image["file_name"] for image in exported.json()["images"]} == {"a.png", "b.png"}
        assert sorted(one["iscrowd"] for one in exported.json()["annotations"]) == [0, 1]

        copy = await new_version(http)
        again = await import_coco(http, copy, exported.content, pictures)
        assert again["state"] == "SUCCEEDED"
        assert (await get(http, f"/versions/{copy}"))["digest"] == found["digest"]
        same = await get(http, f"/versions/{copy}/difference?base={version}")
        shares = same.pop("labels")
        assert same == {"added": 0, "removed": 0, "changed": 0, "same": 2, "equal": True}
        assert [one["before"] for one in shares] == [one["after"] for one in shares]

        listed = (await get(http, f"/versions/{version}/assets"))["items"]
        assert {one["filename"] for one in listed} == {"a.png", "b.png"}
        assert listed[0]["annotation"]["boxes"] == [[1, 2, 3, 4]]


async def test_an_import_again_replaces_annotations_and_keeps_assets(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        http = running.http
        version = await new_version(http)
        pictures = {"a.png": png(1), "b.png": png(2)}
        await import_coco(http, version, coco(["a.png", "b.png"]), pictures)
        before = await get(http, f"/versions/{version}")
        file = coco(["a.png"])
        file["annotations"][0]["category_id"] = 1
        assert (await import_coco(http, version, file, pictures))["state"] == "SUCCEEDED"
        after = await get(http, f"/versions/{version}")
        assert after["assets"] == 2
        assert after["objects_per_label"] == {"car": 1, "bus": 1}
        assert after["digest"] != before["digest"]


async def test_a_version_without_labels_takes_those_of_its_first_import(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http, labels=[])
        file = coco(["a.png"], categories=["tram", "unused"])
        await import_coco(running.http, version, file, {"a.png": png(1)})
        assert (await get(running.http, f"/versions/{version}"))["labels"] == ["tram"]


def _wrong_imports() -> dict[str, tuple[object, dict[str, bytes] | bytes, str]]:
    size = coco(["a.png"])
    size["images"][0]["width"] = 32
    nan = coco(["a.png"])
    nan["annotations"][0]["bbox"][3] = float("nan")
    twins = coco(["a.png", "b.png"])
    twins["annotations"][1]["category_id"] = 1
    good = {"a.png": png(1)}
    return {
        "a missing image": (coco(["a.png", "b.png"]), good, "b.png: the zip has no such file"),
        "a missing category": (
            coco(["a.png"], categories=["tram"]),
            good,
            'annotations[0].category_id: "tram" is not a label of the dataset version',
        ),
        "another size": (size, good, "images[0]: a.png is 64 × 48 pixels, not 32 × 48"),
        "no number": (nan, good, "annotations[0].bbox[3]: nan is no finite number"),
        "no picture": (coco(["a.png"]), {"a.png": b"text"}, "a.png: the picture is no PNG"),
        "a cut picture": (coco(["a.png"]), {"a.png": png(1)[:-20]}, "a.png: the PNG picture ends"),
        "a bomb": (coco(["a.png"]), {"a.png": bomb()}, "a.png: the picture has 20000 × 20000"),
        "no zip": (coco(["a.png"]), b"no zip", "the images are no zip file"),
        "no json": (b"{", good, "the annotations file: is no JSON"),
        "twins": (
            twins,
            {"a.png": png(1), "b.png": png(1)},
            "b.png and a.png are the same picture with different annotations",
        ),
    }


@pytest.mark.slow
async def test_an_import_with_one_wrong_element_names_it_and_imports_nothing(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        for name, (document, files, sentence) in _wrong_imports().items():
            job = await import_coco(running.http, version, document, files)
            assert job["state"] == "FAILED", name
            assert job["error"].startswith(sentence), (name, job["error"])
        assert (await get(running.http, f"/versions/{version}/assets"))["items"] == []
        left = (await running.context.blobs.list("feedback/")).entries
        assert [entry.key for entry in left if "/manifests/" not in entry.key] == []


async def test_what_belongs_to_another_organisation_does_not_exist(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        dataset = (await get(running.http, f"/versions/{version}"))["dataset"]
        paths = [
            f"/datasets/{dataset}", f"/datasets/{dataset}/versions", f"/versions/{version}",
            f"/versions/{version}/assets", f"/versions/{version}/exports/coco",
            f"/versions/{version}/difference?base={version}",
        ]  # fmt: skip
        for path in paths:
            assert (await running.http.get(BASE + path)).status_code == 200, path
            assert (await running.stranger.get(BASE + path)).status_code == 404, path
        body = {"version": "v2", "type": "CLASSIFICATION"}
        url = f"{BASE}/datasets/{dataset}/versions"
        assert (await running.stranger.post(url, json=body)).status_code == 404
        sent = {"annotations": b"{}", "images": zipped({})}
        url = f"{BASE}/versions/{version}/imports/coco"
        assert (await running.stranger.post(url, files=sent)).status_code == 404
        assert (await get(running.stranger, "/versions"))["items"] == []
        assert (await get(running.stranger, "/datasets"))["items"] == []
        assert (await running.http.get(f"{BASE}/versions/{uuid4()}")).status_code == 404


@pytest.mark.slow
async def test_an_empty_version_settles_by_itself(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)

        async def look() -> dict[str, Any]:
            found: dict[str, Any] = await get(running.http, f"/versions/{version}")
            return found

        found = await eventually(look, lambda one: one["settled"])
        assert read_manifest(await running.context.blobs.get(found["manifest"])).assets == []
        database = running.parts(Feedback).database
        async with database.read() as read:
            assert await read.scalar(text("SELECT count(*) FROM lease WHERE name ~ 'settle'")) == 0


@pytest.mark.slow
@pytest.mark.skipif(not BCCD.is_dir(), reason="needs ../shared/data/bccd")
async def test_a_real_data_set_goes_in_whole(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http, labels=[])
        document = (BCCD / "coco_val.json").read_bytes()
        files = {path.name: path.read_bytes() for path in (BCCD / "images").glob("*.jpg")}
        job = await import_coco(running.http, version, document, files)
        assert (job["state"], job["error"]) == ("SUCCEEDED", None)
        found = await get(running.http, f"/versions/{version}")
        assert found["assets"] == 87
        assert found["labels"] == ["RBC", "WBC", "Platelets"]
        manifest = read_manifest(await running.context.blobs.get(found["manifest"]))
        assert isinstance(manifest.assets[0].annotation, Annotation)
        assert UUID(found["id"]) == manifest.header.dataset_version
