"""Reviews become assets: once, corrected in place, or refused with a sentence."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.blobs.blobs import BlobNotFound
from libs.schemas.events import (
    DataDeleted,
    DeploymentChanged,
    PredictionDeleted,
    SubmissionSettled,
)
from libs.schemas.manifest import read_manifest
from libs.schemas.values import Logged
from services.feedback.parts import Feedback
from services.feedback.store import assets as asset_store
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
    reviewed,
    submitted,
)
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually


async def _loop(
    running: RunningServices, *versions: UUID, automatic: bool = False
) -> DeploymentChanged:
    """A deployment whose reviews go to some versions."""
    made = deployment()
    await running.publish(made)
    body = {"active": True, "dataset_versions": [str(v) for v in versions], "automatic": automatic}
    url = f"{BASE}/deployments/{made.deployment}/feedback-loop"
    answer = await running.http.put(url, json=body)
    assert answer.status_code == 200, answer.text
    assert await get(running.http, f"/deployments/{made.deployment}/feedback-loop") == body
    return made


async def _prediction(running: RunningServices, made: DeploymentChanged, shade: int) -> Logged:
    return await logged(running.context.blobs, made, shade=shade)


async def _assets(running: RunningServices, version: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await get(running.http, f"/versions/{version}/assets"))["items"]
    return found


@pytest.mark.slow
async def test_a_submission_becomes_an_asset_of_each_version_of_the_loop(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        versions = [await new_version(running.http), await new_version(running.http)]
        made = await _loop(running, *versions)
        shown = await _prediction(running, made, 1)
        await running.publish(submitted(shown, review()))
        told = await running.wait_for(SubmissionSettled, 2)
        assert {one.dataset_version for one in told} == set(versions)
        for one in told:
            assert (one.prediction, one.revision, one.refused) == (shown.prediction, 1, None)
            assert one.dataset_version is not None
            (asset,) = await _assets(running, one.dataset_version)
            assert UUID(asset["id"]) == one.asset
            assert UUID(asset["data"]) == shown.data
            assert asset["annotation"]["labels"] == ["car"]

        async def look() -> dict[str, Any]:
            found: dict[str, Any] = await get(running.http, f"/versions/{versions[0]}")
            return found

        found = await eventually(look, lambda one: one["assets"] == 1)
        manifest = read_manifest(await running.context.blobs.get(found["manifest"]))
        (held,) = manifest.assets
        assert held.block == "belt 1"
        assert held.event_time == shown.event_time
        assert held.picture.startswith("feedback/")
        assert await running.context.blobs.get(held.picture) == png(1)


async def test_the_same_submission_told_again_settles_once(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        made = await _loop(running, version)
        shown, marker = await _prediction(running, made, 1), await _prediction(running, made, 2)
        for _ in range(3):
            await running.publish(submitted(shown, review()))
        await running.wait_for(SubmissionSettled, 1)
        await running.publish(submitted(shown, review()), submitted(marker, review()))

        async def markers() -> list[SubmissionSettled]:
            return [
                one
                for one in running.emitted(SubmissionSettled)
                if one.prediction == marker.prediction
            ]

        await eventually(markers)
        ours = [e for e in running.emitted(SubmissionSettled) if e.prediction == shown.prediction]
        assert len(ours) == 1
        assert len(await _assets(running, version)) == 2


async def test_a_correction_replaces_the_annotation_and_an_older_one_does_not(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        made = await _loop(running, version)
        shown = await _prediction(running, made, 1)
        await running.publish(submitted(shown, review("car", revision=1)))
        (first,) = await running.wait_for(SubmissionSettled, 1)
        await running.publish(submitted(shown, review("bus", revision=3), correction=True))
        await running.wait_for(SubmissionSettled, 2)
        await running.publish(submitted(shown, review("car", revision=2), correction=True))
        told = await running.wait_for(SubmissionSettled, 3)
        assert [one.revision for one in told] == [1, 3, 2]
        assert {one.asset for one in told} == {first.asset}
        (asset,) = await _assets(running, version)
        assert asset["annotation"]["labels"] == ["bus"]


async def test_named_targets_win_over_the_loop(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        usual, special = await new_version(running.http), await new_version(running.http)
        made = await _loop(running, usual)
        shown = await _prediction(running, made, 1)
        await running.publish(submitted(shown, review(), special))
        (told,) = await running.wait_for(SubmissionSettled, 1)
        assert told.dataset_version == special
        assert await _assets(running, usual) == []


@pytest.mark.slow
async def test_what_cannot_be_submitted_is_refused_with_a_sentence(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        classified = await new_version(running.http, type="CLASSIFICATION")
        nowhere = uuid4()
        made, off = await _loop(running, version), deployment()
        gone = await _prediction(running, made, 3)
        assert gone.picture is not None
        await running.context.blobs.delete(gone.picture.key)
        fine, alone = await _prediction(running, made, 1), await _prediction(running, off, 2)
        name = (await get(running.http, f"/versions/{version}"))["dataset_name"]
        cases: list[tuple[Any, str]] = [
            (submitted(alone, review()), "the feedback loop is off"),
            (submitted(fine, review("tram")), f'{name} v1 has no label "tram"'),
            (submitted(fine, review(), classified), "v1 is for CLASSIFICATION, the prediction is"),
            (submitted(fine, review(), nowhere), f"there is no dataset version {nowhere}"),
            (submitted(gone, review()), "its picture is not kept any more"),
        ]
        for number, (event, sentence) in enumerate(cases, start=1):
            await running.publish(event)
            told = (await running.wait_for(SubmissionSettled, number))[-1]
            assert told.asset is None
            assert told.refused is not None
            assert sentence in told.refused
        assert await _assets(running, version) == []
        # The same revision again, once it can be: a refusal is not the end.
        await running.publish(submitted(fine, review()))
        told = (await running.wait_for(SubmissionSettled, len(cases) + 1))[-1]
        assert told.asset is not None


async def test_an_automatic_loop_takes_reviews_as_they_are_saved(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        by_hand = await _loop(running, version)
        automatic = await _loop(running, version, automatic=True)
        left, taken = (
            await _prediction(running, by_hand, 1),
            await _prediction(running, automatic, 2),
        )
        await running.publish(reviewed(left, review()), reviewed(taken, review()))
        (told,) = await running.wait_for(SubmissionSettled, 1)
        assert told.prediction == taken.prediction
        (asset,) = await _assets(running, version)
        assert UUID(asset["data"]) == taken.data


async def test_labels_and_types_that_do_not_agree_are_named_where_they_are(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        fits = await new_version(running.http, labels=["bus", "car"])
        other = await new_version(running.http, labels=["car", "tram"])
        classified = await new_version(running.http, type="CLASSIFICATION")
        made, nowhere = deployment(), uuid4()
        await running.publish(made)
        url = f"{BASE}/deployments/{made.deployment}/feedback-loop"
        ids = [str(one) for one in (fits, other, classified, nowhere)]
        refused = await running.http.put(url, json={"active": True, "dataset_versions": ids})
        assert refused.status_code == 422
        found = [(e["where"], e["what"].split(" ", 3)[-1]) for e in refused.json()["errors"]]
        assert [where for where, _ in found] == [
            "dataset_versions[1]", "dataset_versions[1]", "dataset_versions[2]",
            "dataset_versions[3]",
        ]  # fmt: skip
        text = refused.json()["detail"]
        assert 'lacks the labels "bus"' in text
        assert 'detector 3 does not know the labels "tram"' in text
        assert "is for CLASSIFICATION, detector 3 for OBJECT_DETECTION" in text
        off = {"active": False, "dataset_versions": [], "automatic": False}
        assert (await running.http.get(url)).json() == off
        assert (await running.stranger.get(url)).status_code == 404
        assert (await running.stranger.put(url, json=off)).status_code == 404
        twice = {"active": True, "dataset_versions": [str(fits), str(fits)]}
        assert (await running.http.put(url, json=twice)).status_code == 422


@pytest.mark.slow
async def test_an_erased_image_leaves_datasets_and_blobs_and_does_not_come_back(
    service_runner: Run,
) -> None:
    async with service_runner("feedback") as running:
        blobs = running.context.blobs
        version = await new_version(running.http)
        made = await _loop(running, version)
        first, second = await _prediction(running, made, 1), await _prediction(running, made, 1)
        await running.publish(submitted(first, review()), submitted(second, review()))
        await running.wait_for(SubmissionSettled, 2)

        async def held() -> list[UUID]:
            return [UUID(one["data"]) for one in await _assets(running, version)]

        async with running.parts(Feedback).database.read() as read:
            row = await asset_store.find_asset(read, running.organization, version, first.data)
        assert row is not None
        key = row["picture_key"]
        await running.publish(DataDeleted(data=first.data, picture=first.picture, erase=False))
        await running.publish(DataDeleted(data=first.data, picture=first.picture, erase=True))
        assert await eventually(held, lambda data: len(data) == 1) == [second.data]
        # The other image has the same bytes.
        assert await blobs.get(key) == png(1)
        gone = PredictionDeleted(logged=second, review=review(), reason="asked", erase=True)
        await running.publish(gone)
        await eventually(held, lambda data: data == [])

        async def kept() -> object:
            return await blobs.stat(key)

        await eventually(kept, lambda info: info is None)
        with pytest.raises(BlobNotFound):
            await blobs.get(key)
        await running.publish(submitted(first, review(revision=2)))
        late = (await running.wait_for(SubmissionSettled, 3))[-1]
        assert late.refused == "its image was erased"

        async def settled() -> dict[str, Any]:
            found: dict[str, Any] = await get(running.http, f"/versions/{version}")
            return found

        found = await eventually(settled, lambda one: one["settled"] and one["assets"] == 0)
        assert read_manifest(await blobs.get(found["manifest"])).assets == []


async def test_an_import_after_an_erasure_stores_its_pictures(service_runner: Run) -> None:
    async with service_runner("feedback") as running:
        version = await new_version(running.http)
        database = running.parts(Feedback).database
        async with database.begin() as tx:
            await asset_store.remember_erased(tx, running.organization, uuid4())
            now = tx.clock.now()
        async with database.read() as read:
            since = now - timedelta(seconds=1)
            assert await asset_store.erased_since(read, running.organization, since)
            assert not await asset_store.erased_since(read, uuid4(), since)
        job = await import_coco(running.http, version, coco(["a.png"]), {"a.png": png(1)})
        assert job["state"] == "SUCCEEDED"
        assert len(await _assets(running, version)) == 1
