"""Pascal VOC annotations, read and written: an XML file for each picture, with boxes.

Source of the format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc_12-May-2011.pdf.
Corners are taken as they stand: x = xmin, width = xmax − xmin, as today's tools write them.
`difficult` objects are neither right nor wrong when found: they are a version's crowd shapes.
A file without an object: nothing is there. A picture without a file: nobody has annotated it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from xml.sax.saxutils import escape

from libs.schemas.manifest import Annotation, ManifestAsset
from libs.schemas.values import Box, TaskType
from services.feedback.core.coco import Coco, CocoImage
from services.feedback.core.files import Findings, is_picture
from services.feedback.core.voc_xml import Element, XmlWrong, read_xml

TASKS = (TaskType.OBJECT_DETECTION,)


def read_voc(
    names: Sequence[str],
    read: Callable[[str], bytes],
    size: Callable[[str], tuple[int, int]],
    *,
    task: TaskType,
    labels: Sequence[str],
) -> Coco:
    """The pictures and annotations of an archive; see `yolo.read_yolo` for the arguments.

    Raises:
        CocoInvalid: with file and line.
    """
    assert task in TASKS
    wrong = Findings()
    files = _by_stem(name for name in names if name.lower().endswith(".xml"))
    pictures = [name for name in names if is_picture(name)]
    images: list[CocoImage] = []
    used: dict[str, None] = {}
    claimed: set[str] = set()
    for name in pictures:
        width, height = size(name)
        file = _file_of(name, files)
        annotation = None
        if file is not None:
            claimed.add(file)
            annotation = _annotation(file, read(file), labels, wrong)
            used |= dict.fromkeys(annotation.labels)
        images.append(
            CocoImage(where=name, file_name=name, width=width, height=height, annotation=annotation)
        )
    for file in sorted(file for some in files.values() for file in some):
        if file not in claimed:
            wrong.add(file, "belongs to no picture of the archive")
    if not pictures:
        wrong.add("the archive", "holds no picture")
    wrong.check()
    return Coco(images=tuple(images), labels=tuple(sorted(used)))


def annotation_file(asset: ManifestAsset, name: str) -> str | None:
    """The XML of a picture named `name`; None where nobody has annotated it."""
    annotation = asset.annotation
    if annotation is None:
        return None
    crowd = set(annotation.crowd)
    objects = "".join(
        f"  <object>\n    <name>{escape(label)}</name>\n"
        f"    <difficult>{int(i in crowd)}</difficult>\n    <bndbox>\n"
        f"      <xmin>{x!r}</xmin>\n      <ymin>{y!r}</ymin>\n"
        f"      <xmax>{x + w!r}</xmax>\n      <ymax>{y + h!r}</ymax>\n"
        "    </bndbox>\n  </object>\n"
        for i, (label, (x, y, w, h)) in enumerate(
            zip(annotation.labels, annotation.boxes, strict=True)
        )
    )
    return (
        f"<annotation>\n  <folder>JPEGImages</folder>\n  <filename>{escape(name)}</filename>\n"
        f"  <size>\n    <width>{asset.width}</width>\n    <height>{asset.height}</height>\n"
        f"    <depth>3</depth>\n  </size>\n  <segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _by_stem(files: Iterator[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(PurePosixPath(file).stem, []).append(file)
    return found


def _file_of(picture: str, files: dict[str, list[str]]) -> str | None:
    """The one with the picture's stem; of several, that beside it or under Annotations."""
    path = PurePosixPath(picture)
    found = files.get(path.stem, [])
    beside = str(path.with_suffix(".xml"))
    under = str(path.parent.parent / "Annotations" / f"{path.stem}.xml")
    return next((one for one in (beside, under) if one in found), found[0] if found else None)


def _annotation(file: str, content: bytes, labels: Sequence[str], wrong: Findings) -> Annotation:
    named: list[str] = []
    boxes: list[Box] = []
    crowd: list[int] = []
    try:
        root = read_xml(content)
    except XmlWrong as error:
        wrong.add(f"{file} line {error.line}", error.what)
        return Annotation(labels=[])
    for item in root.all("object"):
        where = f"{file} line {item.line}"
        label = item.text_of("name")
        if not label:
            wrong.add(where, "the object has no name")
            continue
        if labels and label not in labels:
            wrong.add(where, f'"{label[:60]}" is not a label of the dataset version')
            continue
        box = _box(item, file, wrong)
        if box is None:
            continue
        if item.text_of("difficult") == "1":
            crowd.append(len(named))
        named.append(label)
        boxes.append(box)
    return Annotation(labels=named, boxes=boxes, crowd=crowd)


def _box(item: Element, file: str, wrong: Findings) -> Box | None:
    held = item.first("bndbox")
    if held is None:
        wrong.add(f"{file} line {item.line}", "the object has no bndbox")
        return None
    corners = []
    for name in ("xmin", "ymin", "xmax", "ymax"):
        side = held.first(name)
        value = _number(side.text) if side is not None else None
        if value is None:
            line = held.line if side is None else side.line
            wrong.add(f"{file} line {line}", f"{name} is no number")
            return None
        corners.append(value)
    x, y, right, bottom = corners
    if right <= x or bottom <= y:
        wrong.add(f"{file} line {held.line}", "the box has no area: xmax and ymax must be larger")
        return None
    return x, y, right - x, bottom - y


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
