"""The manifest of a settled dataset version: its pictures and annotations, immutable.

gzip of JSON lines: a `ManifestHeader`, then one `ManifestAsset` a line, ordered by (SHA-256,
Data). Reading and writing take about 40 µs an asset of ten boxes: beyond a hundred, in a thread.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from libs.schemas.values import ReviewShapes, TaskType, Value

T = TypeVar("T")
_encoder = msgspec.json.Encoder()
# As fast as gzip gets; the lines repeat their field names, so they still shrink to a fifth.
_LEVEL = 1


class MalformedManifest(ValueError):
    """Bytes that are no manifest; the text says which line."""


class Annotation(ReviewShapes, frozen=True, kw_only=True, omit_defaults=True):
    """Ground truth of one picture by label name. Empty: somebody looked, nothing is there.

    `crowd`: positions of the shapes that stand for a crowd (COCO `iscrowd`): a detection in one
    of them is neither right nor wrong.
    """

    crowd: list[int] = []


class ManifestHeader(Value, frozen=True, kw_only=True):
    """Whose content this is. `digest`: `content_digest` of the assets."""

    dataset_version: UUID
    type: TaskType
    labels: list[str]
    digest: str
    assets: int


class ManifestAsset(Value, frozen=True, kw_only=True):
    """One picture of the version. `annotation` None: nobody has annotated it yet.

    `picture`: key in the blob store; `sha256`: of the picture's bytes; `width`, `height`: pixels.
    `block`: pictures of one block are not independent (leads.md §1).
    """

    data: UUID
    filename: str
    picture: str
    sha256: str
    width: int
    height: int
    block: str | None = None
    event_time: datetime | None = None
    annotation: Annotation | None = None


class Manifest(Value, frozen=True, kw_only=True):
    """A manifest in memory."""

    header: ManifestHeader
    assets: list[ManifestAsset]


def annotation_hash(annotation: ReviewShapes | None) -> str:
    """SHA-256 of an annotation, whatever the order of its shapes; "" where there is none."""
    if annotation is None:
        return ""
    crowd = set(annotation.crowd) if isinstance(annotation, Annotation) else set()
    shapes = [
        _encoder.encode(
            (
                label,
                tuple(map(float, annotation.boxes[i])) if annotation.boxes else None,
                [(float(x), float(y)) for x, y in annotation.polygons[i]]
                if annotation.polygons
                else None,
                i in crowd,
            )
        )
        for i, label in enumerate(annotation.labels)
    ]
    return hashlib.sha256(b"\n".join(sorted(shapes))).hexdigest()


def content_digest(contents: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of the sorted (picture's SHA-256, annotation hash) list: equal where versions are."""
    lines = sorted(f"{picture} {annotation}\n" for picture, annotation in contents)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_manifest(
    dataset_version: UUID,
    assets: Iterable[ManifestAsset],
    *,
    type: TaskType,  # noqa: A002  # the field's name
    labels: list[str],
) -> tuple[ManifestHeader, bytes]:
    """The manifest of some assets, with their digest in its header."""
    ordered = sorted(assets, key=lambda asset: (asset.sha256, asset.data.bytes))
    header = ManifestHeader(
        dataset_version=dataset_version,
        type=type,
        labels=labels,
        digest=content_digest((a.sha256, annotation_hash(a.annotation)) for a in ordered),
        assets=len(ordered),
    )
    lines = _encoder.encode_lines([header, *ordered])
    return header, gzip.compress(lines, _LEVEL, mtime=0)


def read_manifest(data: bytes) -> Manifest:
    """The manifest in `data`. Raises MalformedManifest; the digest is checked too."""
    try:
        lines = gzip.decompress(data).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedManifest(f"the manifest cannot be unpacked: {error}") from error
    if not lines:
        raise MalformedManifest("the manifest is empty")
    header = _read_line(lines[0], 1, ManifestHeader)
    assets = [_read_line(line, n, ManifestAsset) for n, line in enumerate(lines[1:], start=2)]
    if len(assets) != header.assets:
        raise MalformedManifest(
            f"the manifest announces {header.assets} assets and holds {len(assets)}"
        )
    digest = content_digest((a.sha256, annotation_hash(a.annotation)) for a in assets)
    if digest != header.digest:
        raise MalformedManifest("the manifest's digest is not that of its assets")
    return Manifest(header=header, assets=assets)


def _read_line(line: bytes, number: int, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedManifest(f"line {number} of the manifest: {error}") from error
