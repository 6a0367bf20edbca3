"""The fields that a query over the Datalake may name."""

from collections.abc import Iterator, Mapping

from libs.query.fields import Field, Fields
from libs.query.tree import Kind

METADATA = ("metadata.", "custom_metadata.")
"""What stands before a key of an image's metadata."""

_JSON_KINDS = {"number": Kind.NUMBER, "boolean": Kind.BOOLEAN}


class DataFields(Mapping[str, Field]):
    """The fields of images; of metadata every key, whether or not it is among the `known`."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> Field:
        found = self._fields.get(name)
        if found is not None:
            return found
        if name.startswith(METADATA):
            return Field(kind=Kind.TEXT, what="of the metadata", nullable=True)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def fields(
    *,
    tags: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
    metadata: Mapping[str, frozenset[str]] | None = None,
) -> Fields:
    """`tags`, `sources`: proposed. `metadata`: of each known key (`metadata.camera`) the JSON
    types of its values; a key whose values are of several types is compared as text."""
    keys = {
        name: Field(kind=_kind(types), what="of the metadata", nullable=True)
        for name, types in sorted((metadata or {}).items())
    }
    return DataFields(
        {
            "tags": Field(kind=Kind.SET, what="as logged or given", choices=tags),
            "source": Field(kind=Kind.TEXT, what="where it is from", choices=sources),
            "name": Field(kind=Kind.TEXT, what="its file name"),
            "width": Field(kind=Kind.INTEGER, what="pixels"),
            "height": Field(kind=Kind.INTEGER, what="pixels"),
            "size": Field(kind=Kind.INTEGER, what="bytes of the picture", nullable=True),
            "type": Field(
                kind=Kind.CHOICE, what="of the picture",
                choices=("image/jpeg", "image/png", "image/webp"),
            ),
            "time": Field(kind=Kind.TIME, what="when it was made"),
            "received": Field(kind=Kind.TIME, what="when it came here"),
            "deployment": Field(
                kind=Kind.UUID, what="that logged it; None: uploaded", nullable=True
            ),
            "id": Field(kind=Kind.UUID, what="the image's"),
            **keys,
        }
    )  # fmt: skip


def _kind(types: frozenset[str]) -> Kind:
    (one,) = types if len(types) == 1 else ("string",)
    return _JSON_KINDS.get(one, Kind.TEXT)
