"""YOLO labels, read and written: a text file for each picture, a line for each shape.

    detection     class cx cy width height       centre and size as shares of the picture's
    segmentation  class x1 y1 x2 y2 x3 y3 …      at least three points, as shares of the picture's

Source of the format: https://docs.ultralytics.com/datasets/detect/ and …/segment/. The labels of
`images/a.jpg` are in `labels/a.txt` (or in `a.txt` beside it), the names of the classes in
`data.yaml`, `classes.txt` or `obj.names`. A file without a line: nothing is there. No file: nobody
has annotated the picture.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from libs.schemas.manifest import Annotation, ManifestAsset
from libs.schemas.values import Box, Point, TaskType
from services.feedback.core.coco import Coco, CocoImage, CocoInvalid
from services.feedback.core.files import Findings, is_picture
from services.feedback.core.yolo_names import NAME_FILES, read_names

TASKS = (TaskType.OBJECT_DETECTION, TaskType.SEGMENTATION)
# Tools round to six digits: what is that little outside lies on the edge.
_ROUNDING = 1e-5


def read_yolo(
    names: Sequence[str],
    read: Callable[[str], bytes],
    size: Callable[[str], tuple[int, int]],
    *,
    task: TaskType,
    labels: Sequence[str],
) -> Coco:
    """The pictures and annotations of an archive.

    `names`: its paths; `read`: a file's bytes; `size`: width and height of a picture in pixels;
    `labels`: of the version, whose order is that of the classes where no file names them.

    Raises:
        CocoInvalid: with file and line.
    """
    wrong = Findings()
    classes = _classes(names, read, labels, wrong)
    there = set(names)
    images: list[CocoImage] = []
    used: set[int] = set()
    for name in names:
        if not is_picture(name):
            continue
        width, height = size(name)
        file = next((one for one in _label_files(name) if one in there), None)
        annotation = None
        if file is not None:
            shapes = list(_shapes(file, read(file), classes, task, wrong))
            used |= {index for index, _ in shapes}
            annotation = _annotation(shapes, classes, task, width=width, height=height)
        images.append(
            CocoImage(where=name, file_name=name, width=width, height=height, annotation=annotation)
        )
    if not images:
        wrong.add("the archive", "holds no picture")
    wrong.check()
    return Coco(
        images=tuple(images), labels=tuple(classes[i] for i in sorted(classes) if i in used)
    )


def label_lines(asset: ManifestAsset, labels: Sequence[str], task: TaskType) -> str | None:
    """The lines of a picture; None where nobody has annotated it.

    Shapes are cut at the picture's edges; what lies outside is left out, for trainers refuse the
    whole picture otherwise.
    """
    annotation = asset.annotation
    if annotation is None:
        return None
    lines = []
    for i, label in enumerate(annotation.labels):
        if task is TaskType.SEGMENTATION:
            numbers = _ring_shares(annotation.polygons[i], asset.width, asset.height)
        else:
            numbers = _box_shares(annotation.boxes[i], asset.width, asset.height)
        if numbers:
            lines.append(" ".join([str(labels.index(label)), *(repr(n) for n in numbers)]))
    return "".join(f"{line}\n" for line in lines)


def _classes(
    names: Sequence[str], read: Callable[[str], bytes], labels: Sequence[str], wrong: Findings
) -> Mapping[int, str]:
    found = [name for name in names if PurePosixPath(name).name in NAME_FILES]
    found.sort(key=lambda name: (len(PurePosixPath(name).parts), NAME_FILES.index(PurePosixPath(name).name)))  # noqa: E501  # fmt: skip
    if not found:
        if not labels:
            raise CocoInvalid([("the archive", "has no data.yaml or classes.txt with the classes")])
        return dict(enumerate(labels))
    classes = read_names(found[0], read(found[0]))
    for name in classes.values():
        if labels and name not in labels:
            wrong.add(found[0], f'"{name[:60]}" is not a label of the dataset version')
    return classes


def _label_files(picture: str) -> Iterator[str]:
    path = PurePosixPath(picture).with_suffix(".txt")
    parts = list(path.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            yield str(PurePosixPath(*parts[:place], "labels", *parts[place + 1 :]))
            break
    yield str(path)


def _shapes(
    file: str, content: bytes, classes: Mapping[int, str], task: TaskType, wrong: Findings
) -> Iterator[tuple[int, list[float]]]:
    """(class, shares) of each line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        wrong.add(file, "is no text in UTF-8")
        return
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{file} line {number}"
        words = line.split()
        if not words:
            continue
        try:
            index = int(words[0])
            shares = [float(word) for word in words[1:]]
        except ValueError:
            wrong.add(where, "must be a class and numbers")
            continue
        why = _fault(index, shares, classes, task)
        if why is not None:
            wrong.add(where, why)
        else:
            yield index, shares


def _fault(
    index: int, shares: Sequence[float], classes: Mapping[int, str], task: TaskType
) -> str | None:
    if index not in classes:
        return f"there is no class {index}; there are {len(classes)}"
    if task is TaskType.OBJECT_DETECTION and len(shares) != 4:
        return f"a box has four numbers, not {len(shares)}"
    if task is TaskType.SEGMENTATION and (len(shares) < 6 or len(shares) % 2):
        return f"a polygon has x and y of at least three points, not {len(shares)} numbers"
    outside = [n for n in shares if not math.isfinite(n) or not -_ROUNDING <= n <= 1 + _ROUNDING]
    if outside:
        return f"{outside[0]:g} is no share of the picture: 0 to 1"
    if task is TaskType.OBJECT_DETECTION and (shares[2] <= 0 or shares[3] <= 0):
        return "the width and the height must be above 0"
    return None


def _annotation(
    shapes: Sequence[tuple[int, list[float]]],
    classes: Mapping[int, str],
    task: TaskType,
    *,
    width: int,
    height: int,
) -> Annotation:
    named = [classes[index] for index, _ in shapes]
    if task is TaskType.SEGMENTATION:
        rings = [
            [(x * width, y * height) for x, y in zip(said[::2], said[1::2], strict=True)]
            for _, said in shapes
        ]
        return Annotation(labels=named, boxes=[_around(ring) for ring in rings], polygons=rings)
    boxes: list[Box] = [
        ((cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height)
        for _, (cx, cy, w, h) in shapes
    ]
    return Annotation(labels=named, boxes=boxes)


def _around(ring: Sequence[Point]) -> Box:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _box_shares(box: Box, width: int, height: int) -> list[float]:
    left, right = _cut(box[0], width), _cut(box[0] + box[2], width)
    top, bottom = _cut(box[1], height), _cut(box[1] + box[3], height)
    if right <= left or bottom <= top:
        return []
    return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]


def _ring_shares(ring: Sequence[Point], width: int, height: int) -> list[float]:
    points = [(_cut(x, width), _cut(y, height)) for x, y in ring]
    if len({x for x, _ in points}) < 2 or len({y for _, y in points}) < 2:
        return []
    return [part for point in points for part in point]


def _cut(place: float, side: int) -> float:
    return min(1.0, max(0.0, place / side))
