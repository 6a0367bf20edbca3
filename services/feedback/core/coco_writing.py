"""COCO annotations, written: piece by piece, so that a large version needs no memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec

from libs.schemas.manifest import ManifestAsset, ManifestHeader
from libs.schemas.values import Point, TaskType

_json = msgspec.json.Encoder()


def write_coco(header: ManifestHeader, assets: Sequence[ManifestAsset]) -> Iterator[bytes]:
    """A version as COCO JSON, in pieces.

    Category ids are the labels' indices, image and annotation ids count from 1. Pictures that
    nobody has annotated carry `"annotated": false`; the others without a shape show nothing.
    """
    indices = {label: index for index, label in enumerate(header.labels)}
    categories = [{"id": index, "name": label} for label, index in indices.items()]
    info = {"description": f"dataset version {header.dataset_version}", "version": header.digest}
    yield b'{"info":%s,"categories":%s,"images":[' % (_json.encode(info), _json.encode(categories))
    names = _file_names(assets)
    comma = b""
    for number, asset in enumerate(assets, start=1):
        yield comma + _json.encode(_image(number, asset, names[asset.data]))
        comma = b","
    yield b'],"annotations":['
    comma = b""
    written = 0
    for number, asset in enumerate(assets, start=1):
        for shape in _shapes(header.type, asset, indices):
            written += 1
            yield comma + _json.encode({"id": written, "image_id": number, **shape})
            comma = b","
    yield b"]}"


def _file_names(assets: Sequence[ManifestAsset]) -> dict[UUID, str]:
    """A name for each picture; those that share one are told apart by their Data id."""
    shared = Counter(asset.filename for asset in assets)
    return {
        asset.data: asset.filename
        if shared[asset.filename] == 1
        else f"{asset.data}_{asset.filename}"
        for asset in assets
    }


def _image(number: int, asset: ManifestAsset, name: str) -> dict[str, object]:
    image: dict[str, object] = {
        "id": number,
        "file_name": name,
        "width": asset.width,
        "height": asset.height,
    }
    if asset.event_time is not None:
        image["date_captured"] = asset.event_time
    if asset.annotation is None:
        image["annotated"] = False
    return image


def _shapes(
    task: TaskType, asset: ManifestAsset, indices: dict[str, int]
) -> Iterator[dict[str, object]]:
    annotation = asset.annotation
    if annotation is None:
        return
    crowd = set(annotation.crowd)
    for i, label in enumerate(annotation.labels):
        shape: dict[str, object] = {"category_id": indices[label], "iscrowd": int(i in crowd)}
        if task is not TaskType.CLASSIFICATION:
            shape["bbox"] = annotation.boxes[i]
            shape["area"] = annotation.boxes[i][2] * annotation.boxes[i][3]
        if task is TaskType.SEGMENTATION:
            ring = annotation.polygons[i]
            shape["area"] = _area(ring)
            shape["segmentation"] = [[part for point in ring for part in point]]
        yield shape


def _area(ring: Sequence[Point]) -> float:
    turned = [*ring[1:], *ring[:1]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(ring, turned, strict=True))) / 2
