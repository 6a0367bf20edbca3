"""What serving is made of: bounded threads, a bounded shelf of models, the wire format."""

import asyncio
import threading
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from libs.blobs.opening import open_blobs
from libs.schemas.values import DeployedModel, ModelFile, TaskType
from libs.vision.onnx_models import Layout, ModelDescription
from services.serving.core.entries import (
    PredictionEntry,
    ShadowEntry,
    decode_entry,
    encode_entry,
    with_shadow,
)
from services.serving.core.model import Model
from services.serving.core.prediction import Prediction
from services.serving.core.wire import to_wire
from services.serving.errors import ModelUnfit, QueueFull
from services.serving.parts.awaited import Awaited
from services.serving.parts.shelf import Running, Shelf
from services.serving.parts.threads import Threads
from services.serving.store.model_files import ModelFiles

ONE = UUID(int=1)
EMPTY_SHA = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def shadow_of(prediction: UUID) -> ShadowEntry:
    body = {"latency": 0.1, "prediction": {"detection_classes": []}, "model_version": str(ONE)}
    return ShadowEntry(organization=ONE, deployment=ONE, prediction=prediction, time=1.0, body=body)


def test_boxes_go_out_as_top_left_bottom_right_and_scores_within_one() -> None:
    found = Prediction(
        np.array([[10.004, 20, 30, 40]]), np.array([2]), np.array([1.0000001], np.float64)
    )
    assert to_wire(found, TaskType.OBJECT_DETECTION, labels=3) == {
        "detection_classes": [2],
        "detection_scores": [1.0],
        "detection_boxes": [[20.0, 10.0, 60.0, 40.0]],
    }
    with pytest.raises(ModelUnfit, match="class 2; the labelmap has 2 labels"):
        to_wire(found, TaskType.OBJECT_DETECTION, labels=2)


def test_an_answer_of_nothing_and_a_classifiers_answer_have_their_own_form() -> None:
    nothing = Prediction(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))
    assert to_wire(nothing, TaskType.OBJECT_DETECTION, labels=1)["detection_boxes"] == []
    best = Prediction(np.zeros((0, 4)), np.array([1, 0]), np.array([0.7, 0.3]))
    assert to_wire(best, TaskType.CLASSIFICATION, labels=2) == {
        "detection_classes": [1, 0], "detection_scores": [0.7, 0.3],
    }  # fmt: skip


def test_entries_survive_their_encoding() -> None:
    prediction = PredictionEntry(
        organization=ONE, deployment=ONE, prediction=ONE, time=2.5, body={"a": [1.5]}, picture=b"\0"
    )
    assert decode_entry(encode_entry(prediction)) == prediction
    assert decode_entry(encode_entry(shadow_of(ONE))) == shadow_of(ONE)
    assert with_shadow({"a": 1}, shadow_of(ONE)) == {
        "a": 1, "shadow_latency": 0.1, "shadow_prediction": {"detection_classes": []},
        "shadow_model_version": str(ONE),
    }  # fmt: skip


async def test_threads_refuse_what_is_more_than_may_wait() -> None:
    threads = Threads("test", size=1, waiting=1)
    go = threading.Event()
    tasks = [asyncio.create_task(threads.run(lambda: go.wait(120))) for _ in range(2)]
    await asyncio.sleep(0)
    assert threads.full
    with pytest.raises(QueueFull):
        await threads.run(lambda: True)
    go.set()
    assert await asyncio.gather(*tasks) == [True, True]
    assert await threads.run(lambda: 7) == 7
    threads.close()


def test_a_shadow_that_comes_in_time_goes_with_its_champion_and_a_late_one_alone() -> None:
    awaited = Awaited()
    early, late, failed, found = (uuid4() for _ in range(4))
    for prediction in (early, late, failed):
        awaited.expect(prediction, 10.0)
    assert awaited.wait_of(early, 9.0) == 1.0
    awaited.came(shadow_of(early))
    awaited.give_up(failed)
    assert awaited.wait_of(early, 9.0) == awaited.wait_of(failed, 9.0) == 0
    assert awaited.wait_of(late, 11.0) == 0
    assert awaited.take(early, None) == shadow_of(early)
    assert awaited.take(late, None) is None
    awaited.came(shadow_of(late))
    assert awaited.take(found, shadow_of(found)) == shadow_of(found)
    merged = [awaited.was_merged(p) for p in (early, late, failed, found)]
    assert merged == [True, False, False, True]
    awaited.part(early)
    assert not awaited.was_merged(early)


def running(name: str) -> Running:
    onnx = ModelFile(name="model-latest", key=name, sha256=name, size=1)
    deployed = DeployedModel(
        version=uuid4(), model=uuid4(), name="m", number=1, threshold=0.5, labels=["a"], onnx=onnx
    )
    description = ModelDescription(
        Layout.YOLO, task="OBJECT_DETECTION", labels=None, class_count=1, input_size=(1, 1),
        threshold=0.5, channels="RGB", inputs=(), outputs=(),
    )  # fmt: skip
    return Running(deployed, Model(description, None))


def test_the_deployment_that_was_asked_longest_ago_gives_way() -> None:
    shelf = Shelf(limit=2)
    ids = [uuid4() for _ in range(3)]
    for number, deployment in enumerate(ids[:2]):
        assert shelf.make_room(deployment)
        shelf.stand(deployment).champion.running = running(str(number))
    assert not shelf.make_room(ids[2])
    shelf.use(ids[0])
    shelf.use(ids[2]).asked = True
    assert shelf.make_room(ids[2])
    assert shelf.stand(ids[0]).is_loaded
    assert not shelf.stand(ids[1]).is_loaded
    assert set(shelf.models()) == {"0"}


async def test_a_model_file_is_fetched_once_and_never_taken_unverified(tmp_path: Path) -> None:
    import hashlib

    content = b"a model" * 1000
    sha256 = hashlib.sha256(content).hexdigest()
    async with open_blobs(f"file://{tmp_path / 'blobs'}", public_url="http://x") as blobs:
        files = ModelFiles(tmp_path / "cache", blobs, limit=10_000)
        files.open()
        await blobs.put("m/a", content, content_type="application/octet-stream")
        good = ModelFile(name="model-latest", key="m/a", sha256=sha256, size=len(content))
        assert await files.content(good) == content
        kept = tmp_path / "cache" / f"{sha256}.onnx"
        kept.write_bytes(b"damaged on disk")
        assert await files.content(good) == content
        await blobs.delete("m/a")
        assert await files.content(good) == content

        lying = ModelFile(name="model-latest", key="m/b", sha256=EMPTY_SHA, size=7)
        await blobs.put("m/b", content, content_type="application/octet-stream")
        with pytest.raises(ModelUnfit, match="is not what was deployed"):
            await files.content(lying)
        with pytest.raises(ModelUnfit, match="not in the blob store"):
            await files.content(ModelFile(name="x", key="m/c", sha256=EMPTY_SHA, size=7))

        other = b"another" * 1000
        await blobs.put("m/d", other, content_type="application/octet-stream")
        digest = hashlib.sha256(other).hexdigest()
        await files.content(ModelFile(name="x", key="m/d", sha256=digest, size=len(other)))
        assert [path.stem for path in (tmp_path / "cache").glob("*.onnx")] == [digest]
