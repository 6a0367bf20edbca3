"""YOLO and Pascal VOC: what is written is read back; what is wrong is named by file and line."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.schemas.manifest import Annotation, ManifestAsset, write_manifest
from libs.schemas.values import TaskType
from services.feedback.core.coco import Coco, CocoInvalid
from services.feedback.core.formats import READERS, ArchiveFormat, archive_entries

LABELS = ["car", "bus: big # one", 'straße "1"']
WIDTH, HEIGHT = 640, 480
patient = settings(deadline=None, max_examples=60)
_x, _y = st.floats(0, WIDTH - 20), st.floats(0, HEIGHT - 20)
_box = st.tuples(_x, _y, st.floats(0.25, 20), st.floats(0.25, 20))
_rings = st.sampled_from([[(0.0, 0.0), (64.0, 0.0), (32.0, 48.0)], [(10.0, 5.0), (30.0, 5.0), (30.0, 40.0), (10.0, 40.0)]])  # noqa: E501  # fmt: skip


@st.composite
def annotated(draw: st.DrawFn, task: TaskType, *, crowds: bool) -> Annotation | None:
    if draw(st.booleans()):
        return None
    labels = draw(st.lists(st.sampled_from(LABELS), max_size=4))
    n = len(labels)
    rings = [draw(_rings) for _ in labels] if task is TaskType.SEGMENTATION else []
    boxes = [draw(_box) for _ in labels]
    if rings:
        boxes = [_around(ring) for ring in rings]
    crowd = sorted(draw(st.sets(st.integers(0, n - 1)))) if n and crowds else []
    return Annotation(labels=labels, boxes=boxes, polygons=rings, crowd=crowd)


def _around(ring: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def assets_of(annotations: list[Annotation | None]) -> list[ManifestAsset]:
    return [
        ManifestAsset(
            data=UUID(int=i + 1), filename=["in/a.jpg", "A.png", "../b.webp"][i % 3], picture="k",
            sha256=f"{i:064x}", width=WIDTH, height=HEIGHT, annotation=annotation,
        )
        for i, annotation in enumerate(annotations)
    ]  # fmt: skip


def read(layout: ArchiveFormat, files: Mapping[str, bytes], task: TaskType, known: list[str]) -> Coco:  # noqa: E501  # fmt: skip
    return READERS[layout](
        sorted(files), lambda name: files[name], lambda _: (WIDTH, HEIGHT), task=task, labels=known
    )


@patient
@given(st.data())
@pytest.mark.parametrize(
    ("layout", "task"),
    [
        (ArchiveFormat.YOLO, TaskType.OBJECT_DETECTION),
        (ArchiveFormat.YOLO, TaskType.SEGMENTATION),
        (ArchiveFormat.VOC, TaskType.OBJECT_DETECTION),
    ],
)
def test_what_is_written_is_read_back(
    layout: ArchiveFormat, task: TaskType, data: st.DataObject
) -> None:
    crowds = layout is ArchiveFormat.VOC
    some = data.draw(st.lists(annotated(task, crowds=crowds), min_size=1, max_size=4))
    assets = assets_of(some)
    header, _ = write_manifest(UUID(int=9), assets, type=task, labels=LABELS)
    files: dict[str, bytes] = {}
    held: dict[str, ManifestAsset] = {}
    for path, entry in archive_entries(layout, header, assets):
        assert path not in files
        assert ".." not in path
        if isinstance(entry, ManifestAsset):
            held[path] = entry
        files[path] = b"picture" if isinstance(entry, ManifestAsset) else entry.encode()
    found = read(layout, files, task, LABELS)
    assert {one.file_name for one in found.images} == held.keys()
    for image in found.images:
        expected = held[image.file_name].annotation
        if expected is None or image.annotation is None:
            assert image.annotation == expected
            continue
        assert image.annotation.labels == expected.labels
        assert image.annotation.crowd == expected.crowd
        for one, other in zip(image.annotation.boxes, expected.boxes, strict=True):
            assert one == pytest.approx(other, abs=1e-9)
        for ring, wanted in zip(image.annotation.polygons, expected.polygons, strict=True):
            assert [p for q in ring for p in q] == pytest.approx([p for q in wanted for p in q])


YAML = b"names:\n  0: car\n  1: bus\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"0 0.5 0.5 0.1", "labels/a.txt line 2: a box has four numbers, not 3"),
        (b"2 0.5 0.5 0.1 0.1", "labels/a.txt line 2: there is no class 2; there are 2"),
        (b"0 0.5 0.5 1.2 0.1", "labels/a.txt line 2: 1.2 is no share of the picture: 0 to 1"),
        (b"0 nan 0.5 0.2 0.1", "labels/a.txt line 2: nan is no share of the picture: 0 to 1"),
        (b"0 0.5 0.5 0 0.1", "labels/a.txt line 2: the width and the height must be above 0"),
        (b"car 0.5 0.5 0.1 0.1", "labels/a.txt line 2: must be a class and numbers"),
    ],
)
def test_a_wrong_line_of_yolo_is_named(line: bytes, what: str) -> None:
    labels = b"1 0.5 0.5 0.2 0.2\n" + line
    files = {"data.yaml": YAML, "images/a.jpg": b"", "labels/a.txt": labels}
    with pytest.raises(CocoInvalid) as caught:
        read(ArchiveFormat.YOLO, files, TaskType.OBJECT_DETECTION, [])
    assert str(caught.value) == what


@pytest.mark.parametrize(
    ("yaml", "names"),
    [
        ('names: [car, \'b, us\', "a\\"b"]  # three', ["car", "b, us", 'a"b']),
        ("nc: 2\nnames:\n- car\n-  bus # a comment\ntrain: x", ["car", "bus"]),
        ("names:\n  0: car\n\n  1: 'it''s'\n", ["car", "it's"]),
    ],
)
def test_classes_are_read_as_yaml_writes_them(yaml: str, names: list[str]) -> None:
    lines = "".join(f"{i} 0.5 0.5 0.1 0.1\n" for i in range(len(names)))
    files = {"set/data.yaml": yaml.encode(), "set/a.jpg": b"", "set/a.txt": lines.encode()}
    assert read(ArchiveFormat.YOLO, files, TaskType.OBJECT_DETECTION, []).labels == tuple(names)


def voc(inside: str) -> bytes:
    return f"<annotation>\n<object>\n<name>car</name>\n{inside}</object>\n</annotation>".encode()


@pytest.mark.parametrize(
    ("xml", "what"),
    [
        (voc(""), "Annotations/a.xml line 2: the object has no bndbox"),
        (voc("<bndbox>\n<xmin>x</xmin></bndbox>\n"), "Annotations/a.xml line 5: xmin is no number"),
        (
            voc("<bndbox><xmin>9</xmin><ymin>1</ymin>\n<xmax>3</xmax><ymax>4</ymax></bndbox>"),
            "Annotations/a.xml line 4: the box has no area: xmax and ymax must be larger",
        ),
        (b"<annotation>\n<object>", "Annotations/a.xml line 2: is no XML: no element found"),
        (
            b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "b">]>\n<a>&b;</a>',
            "Annotations/a.xml line 2: declares a document type: it must have none",
        ),
    ],
)
def test_a_wrong_element_of_voc_is_named(xml: bytes, what: str) -> None:
    files = {"JPEGImages/a.jpg": b"", "Annotations/a.xml": xml}
    with pytest.raises(CocoInvalid) as caught:
        read(ArchiveFormat.VOC, files, TaskType.OBJECT_DETECTION, [])
    assert str(caught.value) == what
