"""COCO annotations, read: every wrong element is named as the file names it.

Source of the format: https://cocodataset.org/#format-data. What a version holds is by label
name and picture; the file's own ids end here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from libs.schemas.manifest import Annotation
from libs.schemas.values import TaskType
from services.feedback.core.coco_shapes import CocoObject, ShapeWrong, read_object, show

_MOST_ERRORS = 20
_SPOKEN_ERRORS = 3


class CocoInvalid(ValueError):
    """A file that cannot be imported. `errors`: (where, what), at most twenty of them."""

    def __init__(self, errors: Sequence[tuple[str, str]], *, more: int = 0) -> None:
        self.errors = tuple(errors)
        spoken = "; ".join(f"{where}: {what}" for where, what in errors[:_SPOKEN_ERRORS])
        rest = len(errors) - _SPOKEN_ERRORS + more
        super().__init__(spoken + (f"; and {rest} more" if rest > 0 else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """A picture of the file. `width`, `height` None: the file does not say.

    `annotation` None: not annotated (`"annotated": false`, or a classification without a class).
    """

    where: str
    file_name: str
    width: int | None
    height: int | None
    annotation: Annotation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coco:
    """A valid file. `labels`: the names of the categories in use, in the order of their ids."""

    images: tuple[CocoImage, ...]
    labels: tuple[str, ...]


def read_coco(document: bytes, task: TaskType, labels: Sequence[str]) -> Coco:
    """The pictures and annotations of a file, for a version of type `task`.

    `labels`: what the version knows; where it knows none, every category of the file is taken.
    Categories that no annotation uses do not matter.

    Raises:
        CocoInvalid: the file is no COCO file, or some of its elements are wrong.
    """
    try:
        root = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise CocoInvalid([("the annotations file", f"is no JSON: {error}")]) from error
    if not isinstance(root, dict):
        raise CocoInvalid([("the annotations file", "is no JSON object")])
    return _Reader(root, task, labels).read()


class _Reader:
    """One pass over a file that collects errors instead of stopping at the first."""

    def __init__(self, root: Mapping[str, Any], task: TaskType, labels: Sequence[str]) -> None:
        self._root = root
        self._task = task
        self._known = frozenset(labels)
        self._errors: list[tuple[str, str]] = []
        self._more = 0

    def read(self) -> Coco:
        categories = self._categories()
        images = self._images()
        shapes: dict[Any, list[CocoObject]] = {key: [] for key in images}
        used: set[Any] = set()
        seen: set[Any] = set()
        for where, item in self._items("annotations"):
            number = item.get("id")
            if number is not None and _hashable(number):
                if number in seen:
                    self._wrong(f"{where}.id", f"the id {number} is there twice")
                seen.add(number)
            image = self._reference(where, item, "image_id", images, "image")
            category = self._reference(where, item, "category_id", categories, "category")
            if image is None or category is None:
                continue
            if self._known and categories[category] not in self._known:
                self._wrong(
                    f"{where}.category_id",
                    f'"{categories[category]}" is not a label of the dataset version',
                )
                continue
            used.add(category)
            try:
                found = read_object(where, item, categories[category], task=self._task)
            except ShapeWrong as wrong:
                self._wrong(wrong.where, wrong.what)
                continue
            shapes[image].append(found)
        read = tuple(self._image(images[key], shapes[key]) for key in images)
        if self._errors:
            raise CocoInvalid(self._errors, more=self._more)
        order = sorted(used, key=lambda key: (isinstance(key, str), key))
        return Coco(images=read, labels=tuple(dict.fromkeys(categories[key] for key in order)))

    def _categories(self) -> dict[Any, str]:
        found: dict[Any, str] = {}
        for where, item in self._items("categories"):
            key, name = self._own_id(where, item, found), item.get("name")
            if not isinstance(name, str) or not name.strip():
                self._wrong(f"{where}.name", "a category needs a name")
            elif key is not None:
                found[key] = name
        return found

    def _images(self) -> dict[Any, tuple[str, Mapping[str, Any]]]:
        found: dict[Any, tuple[str, Mapping[str, Any]]] = {}
        for where, item in self._items("images"):
            key = self._own_id(where, item, found)
            name = item.get("file_name")
            if not isinstance(name, str) or not name.strip():
                self._wrong(f"{where}.file_name", "an image needs a file name")
                continue
            for side in ("width", "height"):
                value = item.get(side)
                if value is not None and (not _whole(value) or value < 1):
                    self._wrong(f"{where}.{side}", f"{show(value)} is no number of pixels")
            if key is not None:
                found[key] = where, item
        return found

    def _image(
        self, source: tuple[str, Mapping[str, Any]], objects: Sequence[CocoObject]
    ) -> CocoImage:
        where, item = source
        annotation: Annotation | None = _annotation(self._task, objects)
        if self._task is TaskType.CLASSIFICATION:
            classes = sorted({found.label for found in objects})
            if len(classes) > 1:
                self._wrong(where, f"a classified image has one class, not {', '.join(classes)}")
            annotation = Annotation(labels=classes) if classes else None
        elif not objects and item.get("annotated") is False:
            annotation = None
        return CocoImage(
            where=where,
            file_name=item["file_name"],
            width=item.get("width"),
            height=item.get("height"),
            annotation=annotation,
        )

    def _items(self, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        value = self._root.get(name)
        if not isinstance(value, list):
            self._wrong(name, "is missing" if value is None else "is no list")
            return []
        items: list[tuple[str, Mapping[str, Any]]] = []
        for number, item in enumerate(value):
            if isinstance(item, dict):
                items.append((f"{name}[{number}]", item))
            else:
                self._wrong(f"{name}[{number}]", "is no object")
        return items

    def _own_id(self, where: str, item: Mapping[str, Any], taken: Mapping[Any, Any]) -> Any:
        key = item.get("id")
        if not _hashable(key):
            self._wrong(f"{where}.id", f"{show(key)} is no id")
            return None
        if key in taken:
            self._wrong(f"{where}.id", f"the id {key} is there twice")
            return None
        return key

    def _reference(
        self, where: str, item: Mapping[str, Any], field: str, known: Mapping[Any, Any], what: str
    ) -> Any:
        key = item.get(field)
        if not _hashable(key) or key not in known:
            self._wrong(f"{where}.{field}", f"no {what} has the id {show(key)}")
            return None
        return key

    def _wrong(self, where: str, what: str) -> None:
        if len(self._errors) < _MOST_ERRORS:
            self._errors.append((where, what))
        else:
            self._more += 1


def _annotation(task: TaskType, objects: Sequence[CocoObject]) -> Annotation:
    return Annotation(
        labels=[found.label for found in objects],
        boxes=[found.box for found in objects if found.box is not None],
        polygons=[found.ring for found in objects] if task is TaskType.SEGMENTATION else [],
        crowd=[i for i, found in enumerate(objects) if found.crowd],
    )


def _hashable(key: object) -> bool:
    return isinstance(key, int | str) and not isinstance(key, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
