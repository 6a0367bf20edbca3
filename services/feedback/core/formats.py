"""Archives that hold pictures and annotations together, by the name of their layout."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

from libs.schemas.manifest import ManifestAsset, ManifestHeader
from libs.schemas.values import TaskType
from services.feedback.core import voc, yolo
from services.feedback.core.coco import Coco
from services.feedback.core.files import entry_names


class ArchiveFormat(StrEnum):
    YOLO = "yolo"
    VOC = "voc"


class Reader(Protocol):
    """See `yolo.read_yolo`."""

    def __call__(
        self,
        names: Sequence[str],
        read: Callable[[str], bytes],
        size: Callable[[str], tuple[int, int]],
        *,
        task: TaskType,
        labels: Sequence[str],
    ) -> Coco: ...


READERS: Mapping[ArchiveFormat, Reader] = {
    ArchiveFormat.YOLO: yolo.read_yolo,
    ArchiveFormat.VOC: voc.read_voc,
}
TASKS: Mapping[ArchiveFormat, tuple[TaskType, ...]] = {
    ArchiveFormat.YOLO: yolo.TASKS,
    ArchiveFormat.VOC: voc.TASKS,
}


def archive_entries(
    layout: ArchiveFormat, header: ManifestHeader, assets: Sequence[ManifestAsset]
) -> Iterator[tuple[str, str | ManifestAsset]]:
    """(path, text) of each file of annotations, (path, asset) of each picture."""
    names = entry_names(assets)
    folder = "images" if layout is ArchiveFormat.YOLO else "JPEGImages"
    if layout is ArchiveFormat.YOLO:
        yield "data.yaml", _data_yaml(header.labels)
    for asset in assets:
        name = names[asset.data]
        stem = PurePosixPath(name).stem
        if layout is ArchiveFormat.YOLO:
            path = f"labels/{stem}.txt"
            text = yolo.label_lines(asset, header.labels, header.type)
        else:
            path, text = f"Annotations/{stem}.xml", voc.annotation_file(asset, name)
        if text is not None:
            yield path, text
        yield f"{folder}/{name}", asset


def _data_yaml(labels: Sequence[str]) -> str:
    # A string of JSON is one of YAML.
    names = "".join(f"  {i}: {json.dumps(name)}\n" for i, name in enumerate(labels))
    return f"path: .\ntrain: images\nval: images\nnames:\n{names}"
