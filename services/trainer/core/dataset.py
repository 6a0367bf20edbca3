"""From manifests to what is trained on: whose labels, which pictures, and to what end."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from libs.schemas.manifest import Manifest, ManifestAsset
from libs.schemas.values import Box, TaskType
from services.trainer.errors import TrainingFailed

MEASURED_ON = frozenset({"validation", "val", "test"})
FEWEST_TO_HOLD_OUT = 50


class Use(StrEnum):
    """What a picture is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    OLD = "old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A picture to fetch. `classes`: indices into the plan's labels; `boxes`: x y w h, pixels."""

    use: Use
    picture: str
    sha256: str
    filename: str
    classes: list[int]
    boxes: list[Box]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train on. `notes`: lines for the log."""

    task: TaskType
    labels: list[str]
    wanted: list[Wanted]
    notes: list[str]


def use_of(alias: str, *, replay: bool) -> Use:
    """What a dataset of this alias is for: those named validation, val or test are measured on."""
    if alias.lower() in MEASURED_ON:
        return Use.VALIDATION
    return Use.OLD if replay else Use.TRAIN


def plan(
    datasets: Sequence[tuple[str, bool, Manifest]],
    *,
    base_labels: Sequence[str],
    keep_base_labels: bool,
    validation_share: float,
) -> Plan:
    """What to train on. `datasets`: (alias, replay, manifest).

    `keep_base_labels`: the model keeps labels of its base that no dataset has: one that is to
    replace its base must answer with all of them.

    Pictures that nobody annotated are left out, so are shapes that stand for a crowd, and, of a
    classification, pictures without exactly one label.

    Raises:
        TrainingFailed: the datasets are of different types.
    """
    kinds = {manifest.header.type for _, _, manifest in datasets}
    if len(kinds) != 1:
        named = ", ".join(f"{alias} ({m.header.type})" for alias, _, m in datasets)
        raise TrainingFailed(f"The datasets are of different types: {named}.")
    task = kinds.pop()
    labels = label_order(
        [m.header.labels for _, _, m in datasets], base_labels, keep_base=keep_base_labels
    )
    index = {label: i for i, label in enumerate(labels)}
    notes: list[str] = []
    wanted: list[Wanted] = []
    measured = any(use_of(alias, replay=replay) is Use.VALIDATION for alias, replay, _ in datasets)
    for alias, replay, manifest in datasets:
        use = use_of(alias, replay=replay)
        assets = [one for one in manifest.assets if one.annotation is not None]
        fit = [one for one in assets if task is not TaskType.CLASSIFICATION or _labelled_once(one)]
        notes.append(f"{alias}: {len(fit)} pictures, {_WORDS[use]}")
        if len(assets) < len(manifest.assets):
            without = len(manifest.assets) - len(assets)
            notes.append(f"{alias}: {without} pictures left out, nobody has annotated them")
        if len(fit) < len(assets):
            notes.append(f"{alias}: {len(assets) - len(fit)} pictures left out, not of one label")
        held: Collection[str] = ()
        if use is Use.TRAIN and not measured and len(fit) >= FEWEST_TO_HOLD_OUT:
            held = _held_out(fit, validation_share)
            if held:
                notes.append(f"{alias}: {len(held)} of them held out to measure on")
        wanted += [
            _wanted(one, Use.VALIDATION if one.sha256 in held else use, index, alias=alias)
            for one in fit
        ]
    return Plan(task=task, labels=labels, wanted=wanted, notes=notes)


def label_order(
    labels: Sequence[Sequence[str]], base: Sequence[str], *, keep_base: bool
) -> list[str]:
    """Every label of the datasets once, those of the base model first and in its order."""
    present = {label: None for some in labels for label in some}
    first = [label for label in base if keep_base or label in present]
    return list(dict.fromkeys([*first, *present]))


_WORDS = {
    Use.TRAIN: "to learn from",
    Use.VALIDATION: "to measure on",
    Use.OLD: "drawn again (replay)",
}


def _labelled_once(asset: ManifestAsset) -> bool:
    return asset.annotation is not None and len(asset.annotation.labels) == 1


def _held_out(assets: Sequence[ManifestAsset], share: float) -> set[str]:
    """SHA-256 of the pictures held out: the same ones in every run, and blocks as a whole.

    None where blocks are so large that half of the pictures would go.
    """
    held = {asset.sha256 for asset in assets if _drawn(asset.block or asset.sha256) < share}
    return held if len(held) * 2 < len(assets) else set()


def _drawn(name: str) -> float:
    """A number in [0, 1) that belongs to a name."""
    hashed = hashlib.blake2b(name.encode(), digest_size=8, person=b"hold-out").digest()
    return int.from_bytes(hashed, "big") / 2**64


def _wanted(asset: ManifestAsset, use: Use, index: dict[str, int], *, alias: str) -> Wanted:
    annotation = asset.annotation
    assert annotation is not None
    crowd = set(annotation.crowd)
    kept = [i for i in range(len(annotation.labels)) if i not in crowd]
    unknown = {annotation.labels[i] for i in kept} - index.keys()
    if unknown:
        named = ", ".join(sorted(unknown))
        raise TrainingFailed(f"{alias}: {asset.filename} has labels the version has not: {named}.")
    return Wanted(
        use=use,
        picture=asset.picture,
        sha256=asset.sha256,
        filename=asset.filename,
        classes=[index[annotation.labels[i]] for i in kept],
        boxes=[annotation.boxes[i] for i in kept] if annotation.boxes else [],
    )
