"""COCO: what is written is read back; what is wrong is named as the file names it."""

import contextlib
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.schemas.manifest import Annotation, ManifestAsset, write_manifest
from libs.schemas.values import TaskType
from services.feedback.core.coco import Coco, CocoInvalid, read_coco
from services.feedback.core.coco_writing import write_coco

LABELS = ["car", "bus", "straße"]
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_finite = st.floats(-1e4, 1e4, allow_nan=False)
_size = st.floats(0.25, 1e4, allow_nan=False)
_box = st.tuples(_finite, _finite, _size, _size)
_ring = st.lists(st.tuples(_finite, _finite), min_size=3, max_size=6)


@st.composite
def annotated(draw: st.DrawFn, task: TaskType) -> Annotation | None:
    if draw(st.booleans()):
        return None
    if task is TaskType.CLASSIFICATION:
        return Annotation(labels=[draw(st.sampled_from(LABELS))])
    labels = draw(st.lists(st.sampled_from(LABELS), max_size=4))
    n = len(labels)
    rings = n if task is TaskType.SEGMENTATION else 0
    crowd = draw(st.sets(st.integers(0, n - 1))) if n else set()
    return Annotation(
        labels=labels,
        boxes=draw(st.lists(_box, min_size=n, max_size=n)),
        polygons=draw(st.lists(_ring, min_size=rings, max_size=rings)),
        crowd=sorted(crowd),
    )


@st.composite
def versions(draw: st.DrawFn) -> tuple[TaskType, list[ManifestAsset]]:
    task = draw(st.sampled_from(list(TaskType)))
    found = draw(st.lists(annotated(task), max_size=4))
    return task, [
        ManifestAsset(
            data=UUID(int=i + 1),
            filename=f"{draw(st.sampled_from('ab'))}.jpg",
            picture="k",
            sha256=f"{i:064x}",
            width=640,
            height=480,
            annotation=annotation,
        )
        for i, annotation in enumerate(found)
    ]


@patient
@given(versions())
def test_a_version_written_as_coco_reads_back_as_it_was(
    version: tuple[TaskType, list[ManifestAsset]],
) -> None:
    task, held = version
    header, _ = write_manifest(UUID(int=9), held, type=task, labels=LABELS)
    read = read_coco(b"".join(write_coco(header, held)), task, LABELS)
    assert [image.annotation for image in read.images] == [asset.annotation for asset in held]
    assert [(image.width, image.height) for image in read.images] == [(640, 480)] * len(held)
    assert len({image.file_name for image in read.images}) == len(held)


def _file() -> dict[str, Any]:
    return {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.jpg"},
        ],
        "categories": [
            {"id": 3, "name": "car"},
            {"id": 1, "name": "bus"},
            {"id": 0, "name": "unused"},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [5, 6, 7, 8], "iscrowd": 1},
        ],
    }


def _read(file: object, task: TaskType = TaskType.OBJECT_DETECTION, labels: Any = ()) -> Coco:
    return read_coco(json.dumps(file).encode(), task, labels)


def test_boxes_labels_crowds_and_empty_images_are_kept() -> None:
    read = _read(_file())
    assert read.labels == ("bus", "car")
    assert read.images[0].annotation == Annotation(
        labels=["car", "bus"], boxes=[(1, 2, 3, 4), (5, 6, 7, 8)], crowd=[1]
    )
    assert read.images[1].annotation == Annotation(labels=[])
    assert (read.images[1].width, read.images[1].height) == (None, None)


def _set(path: list[str | int], value: object) -> Callable[[dict[str, Any]], None]:
    def change(file: dict[str, Any]) -> None:
        target: Any = file
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        (["annotations", 1, "bbox", 2], float("nan"), "annotations[1].bbox[2]", "nan is no finite"),
        (["annotations", 1, "bbox", 0], None, "annotations[1].bbox[0]", "nothing is no finite"),
        (["annotations", 1, "bbox", 0], True, "annotations[1].bbox[0]", "True is no finite"),
        (["annotations", 1, "bbox", 0], 10**400, "annotations[1].bbox[0]", "is no finite"),
        (["annotations", 0, "bbox", 2], -3, "annotations[0].bbox", "width must be above 0, not -3"),
        (["annotations", 0, "bbox", 3], 0, "annotations[0].bbox", "height must be above 0, not 0"),
        (["annotations", 0, "bbox"], [1, 2, 3], "annotations[0].bbox", "needs four numbers"),
        (["annotations", 0, "bbox"], None, "annotations[0].bbox", "is missing"),
        (["annotations", 0, "iscrowd"], 2, "annotations[0].iscrowd", "neither 0 nor 1"),
        (["annotations", 0, "image_id"], 9, "annotations[0].image_id", "no image has the id 9"),
        (["annotations", 0, "image_id"], [1], "annotations[0].image_id", "no image has the id"),
        (["annotations", 0, "category_id"], 9, "annotations[0].category_id", "no category has"),
        (["annotations", 1, "id"], 1, "annotations[1].id", "the id 1 is there twice"),
        (["annotations", 1], 7, "annotations[1]", "is no object"),
        (["images", 1, "id"], 1, "images[1].id", "the id 1 is there twice"),
        (["images", 1, "id"], None, "images[1].id", "nothing is no id"),
        (["images", 1, "file_name"], "", "images[1].file_name", "needs a file name"),
        (["images", 0, "width"], 0, "images[0].width", "0 is no number of pixels"),
        (["categories", 0, "name"], 5, "categories[0].name", "needs a name"),
        (["categories", 2, "id"], 3, "categories[2].id", "the id 3 is there twice"),
        (["annotations"], None, "annotations", "is missing"),
        (["images"], {}, "images", "is no list"),
    ],
)
def test_a_wrong_element_is_named(
    path: list[str | int], value: object, where: str, what: str
) -> None:
    file = _file()
    _set(path, value)(file)
    with pytest.raises(CocoInvalid) as caught:
        _read(file)
    places = dict(caught.value.errors)
    assert where in places
    assert what in places[where]
    assert f"{where}: " in str(caught.value)


@pytest.mark.parametrize("document", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_coco_file_is_refused(document: bytes) -> None:
    with pytest.raises(CocoInvalid, match="the annotations file"):
        read_coco(document, TaskType.OBJECT_DETECTION, [])


def test_a_category_that_the_version_does_not_know_is_refused_where_it_is_used() -> None:
    with pytest.raises(CocoInvalid, match=r'annotations\[1\].category_id: "bus" is not a label'):
        _read(_file(), labels=["car"])
    assert _read(_file(), labels=["bus", "car"]).labels == ("bus", "car")


def test_many_errors_are_counted_and_the_first_are_spoken() -> None:
    file = _file()
    file["annotations"] = [{"image_id": 1, "category_id": 3, "bbox": [0, 0, 0, 1]}] * 100
    with pytest.raises(CocoInvalid, match=r"and 97 more$") as caught:
        _read(file)
    assert len(caught.value.errors) == 20


def test_a_classified_image_has_one_class() -> None:
    file = _file()
    with pytest.raises(CocoInvalid, match=r"images\[0\]: a classified image has one class"):
        _read(file, TaskType.CLASSIFICATION)
    del file["annotations"][1]
    read = _read(file, TaskType.CLASSIFICATION)
    assert read.images[0].annotation == Annotation(labels=["car"])
    assert read.images[1].annotation is None


def _segmented(segmentation: object, **more: object) -> dict[str, Any]:
    file = _file()
    file["annotations"] = [
        {"id": 1, "image_id": 1, "category_id": 3, "segmentation": segmentation, **more}
    ]
    return file


def test_the_parts_of_an_object_become_one_ring_of_the_same_area() -> None:
    square, other = [0, 0, 2, 0, 2, 2, 0, 2], [5, 5, 5, 7, 7, 7, 7, 5]
    annotation = _read(_segmented([square, other]), TaskType.SEGMENTATION).images[0].annotation
    assert annotation is not None
    (ring,) = annotation.polygons
    turned = [*ring[1:], ring[0]]
    area = sum(x * v - u * y for (x, y), (u, v) in zip(ring, turned, strict=True)) / 2
    assert area == pytest.approx(8)
    assert annotation.boxes == [(0, 0, 7, 7)]


def test_a_crowd_in_run_lengths_becomes_the_outline_of_its_box() -> None:
    mask = {"counts": [1, 2], "size": [48, 64]}
    crowd = _segmented(mask, iscrowd=1, bbox=[1, 2, 3, 4])
    annotation = _read(crowd, TaskType.SEGMENTATION).images[0].annotation
    assert annotation is not None
    assert annotation.polygons == [[(1, 2), (4, 2), (4, 6), (1, 6)]]
    assert annotation.crowd == [0]
    with pytest.raises(CocoInvalid, match="run-length mask; polygons are needed"):
        _read(_segmented(mask, bbox=[1, 2, 3, 4]), TaskType.SEGMENTATION)


@pytest.mark.parametrize("segmentation", [[], [[1, 2, 3, 4]], [[0, 0, 1, 1, 2]], "x", [7]])
def test_polygons_that_are_none_are_refused(segmentation: object) -> None:
    with pytest.raises(CocoInvalid, match=r"annotations\[0\].segmentation"):
        _read(_segmented(segmentation), TaskType.SEGMENTATION)


@patient
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text("ab", max_size=3),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(list(TaskType)),
)
def test_no_value_of_an_annotation_brings_the_reader_down(value: object, task: TaskType) -> None:
    for field in ("id", "image_id", "category_id", "bbox", "segmentation", "iscrowd"):
        file = _file()
        file["annotations"][0][field] = value
        with contextlib.suppress(CocoInvalid):
            _read(file, task)
