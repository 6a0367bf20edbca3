"""What a version holds, counted and compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelShare:
    """Shapes of a label in two contents, and their share of all shapes; None: there are none."""

    label: str
    before: int
    after: int
    before_share: float | None
    after_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A `Difference` with its pictures; of a changed one (as it was, as it is)."""

    added: list[ManifestAsset]
    removed: list[ManifestAsset]
    changed: list[tuple[ManifestAsset, ManifestAsset]]
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


def label_shares(
    old: Iterable[ManifestAsset], new: Iterable[ManifestAsset], labels: Sequence[str]
) -> list[LabelShare]:
    """Shapes of each label before and after. `labels`: those that are always named, first."""
    before, after = count(old, labels).objects_per_label, count(new, labels).objects_per_label
    totals = sum(before.values()), sum(after.values())
    return [
        LabelShare(
            label=label,
            before=before.get(label, 0),
            after=after.get(label, 0),
            before_share=before.get(label, 0) / totals[0] if totals[0] else None,
            after_share=after.get(label, 0) / totals[1] if totals[1] else None,
        )
        for label in dict.fromkeys([*after, *before])
    ]


def changes(old: Iterable[ManifestAsset], new: Iterable[ManifestAsset]) -> Changes:
    """What happened between two contents, picture by picture, in the order of their hashes.

    A picture that is there twice counts twice: equal annotations are paired first.
    """
    before, after = _by_picture(old), _by_picture(new)
    found = Changes(added=[], removed=[], changed=[], same=0)
    same = 0
    for sha256 in sorted(before.keys() | after.keys()):
        left, came, equal = _unpaired(before.get(sha256, []), after.get(sha256, []))
        same += equal
        pairs = min(len(left), len(came))
        found.changed.extend(zip(left[:pairs], came[:pairs], strict=True))
        found.removed.extend(left[pairs:])
        found.added.extend(came[pairs:])
    return replace(found, same=same)


def difference(old: Iterable[ManifestAsset], new: Iterable[ManifestAsset]) -> Difference:
    """What happened between two contents, counted."""
    found = changes(old, new)
    return Difference(
        added=len(found.added),
        removed=len(found.removed),
        changed=len(found.changed),
        same=found.same,
    )


def _by_picture(assets: Iterable[ManifestAsset]) -> dict[str, list[ManifestAsset]]:
    found: dict[str, list[ManifestAsset]] = {}
    for asset in assets:
        found.setdefault(asset.sha256, []).append(asset)
    return found


def _unpaired(
    old: Sequence[ManifestAsset], new: Sequence[ManifestAsset]
) -> tuple[list[ManifestAsset], list[ManifestAsset], int]:
    """Those of each side that have no equal on the other, and how many pairs are equal."""
    came = [(annotation_hash(asset.annotation), asset) for asset in new]
    left: list[ManifestAsset] = []
    equal = 0
    for asset in old:
        name = annotation_hash(asset.annotation)
        twin = next((i for i, (other, _) in enumerate(came) if other == name), None)
        if twin is None:
            left.append(asset)
        else:
            equal += 1
            del came[twin]
    return left, [asset for _, asset in came], equal
