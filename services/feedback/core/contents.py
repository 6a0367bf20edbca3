"""What a version holds, counted and compared."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libs.schemas.manifest import ManifestAsset, annotation_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pictures, pictures with an annotation, and shapes by label (0 where there is none)."""

    assets: int
    annotated: int
    objects_per_label: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one version became another, by the bytes of its pictures.

    `added`, `removed`: pictures; `changed`: pictures whose annotations differ.
    """

    added: int
    removed: int
    changed: int
    same: int


def count(assets: Iterable[ManifestAsset], labels: Sequence[str]) -> Counts:
    """The numbers of some assets."""
    objects = dict.fromkeys(labels, 0)
    total = annotated = 0
    for asset in assets:
        total += 1
        if asset.annotation is not None:
            annotated += 1
            for label in asset.annotation.labels:
                objects[label] = objects.get(label, 0) + 1
    return Counts(assets=total, annotated=annotated, objects_per_label=objects)


def difference(old: Iterable[ManifestAsset], new: Iterable[ManifestAsset]) -> Difference:
    """What happened between two contents. A picture that is there twice counts twice."""
    before, after = _contents(old), _contents(new)
    same = sum((before & after).values())
    left, came = _pictures(before - after), _pictures(after - before)
    changed = sum((left & came).values())
    return Difference(
        added=came.total() - changed,
        removed=left.total() - changed,
        changed=changed,
        same=same,
    )


def _contents(assets: Iterable[ManifestAsset]) -> Counter[tuple[str, str]]:
    return Counter((asset.sha256, annotation_hash(asset.annotation)) for asset in assets)


def _pictures(contents: Counter[tuple[str, str]]) -> Counter[str]:
    pictures: Counter[str] = Counter()
    for (sha256, _), times in contents.items():
        pictures[sha256] += times
    return pictures
