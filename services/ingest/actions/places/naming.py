"""From the setting to places: what each is called, where it is, whose it is."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit
from uuid import UUID

from libs.blobs.s3_address import BadBlobsAddress, S3Address
from libs.runtime.settings import BadSettings
from services.ingest.actions.places.outside import BadPath, check_path
from services.ingest.settings import IngestSettings

_SETTING = "SIGHTLOOP_INGEST_PLACES"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def read_places(settings: IngestSettings) -> dict[str, "Place"]:
    """Every place of the settings. Raises BadPlace, which shows no address."""
    return {name: _place(name, one.get_secret_value()) for name, one in settings.places.items()}


def places_of(settings: IngestSettings, organization: UUID) -> dict[str, "Place"]:
    """The places that an organisation may register from, by name."""
    return {
        name: place
        for name, place in sorted(read_places(settings).items())
        if place.organization in (None, organization)
    }


def place_of(settings: IngestSettings, organization: UUID, name: str) -> "Place":
    """A place. Raises PlaceUnknown, also for another organisation's."""
    places = places_of(settings, organization)
    if name not in places:
        raise PlaceUnknown(name, list(places))
    return places[name]


def _place(name: str, address: str) -> "Place":
    if not _NAME.fullmatch(name):
        raise BadPlace(
            f"{_SETTING}: {name[:64]!r} is no name for a place: letters, digits and . _ -"
        )
    parts = urlsplit(address)
    options = parse_qsl(parts.query, keep_blank_values=True)
    rest = urlencode([one for one in options if one[0] != "organization"])
    try:
        owner = next((UUID(value) for key, value in options if key == "organization"), None)
        if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and not rest:
            folder = Path(unquote(parts.path))
            return Place(name=name, kind=PlaceKind.FOLDER, folder=folder, organization=owner)
        if parts.scheme == "s3":
            bucket, _, prefix = unquote(parts.path).strip("/").partition("/")
            bare = parts._replace(path=f"/{quote(bucket)}", query=rest)
            root = check_path(prefix)
            return Place(
                name=name,
                kind=PlaceKind.BUCKET,
                bucket=S3Address.parse(urlunsplit(bare)),
                prefix=f"{root}/" if root else "",
                organization=owner,
            )
    except (BadBlobsAddress, BadPath) as error:
        raise BadPlace(f"{_SETTING}: the place {name!r}: {error}") from error
    except ValueError as error:
        # Its own text would show the address.
        raise BadPlace(f"{_SETTING}: the place {name!r}: its address cannot be read") from error
    raise BadPlace(
        f"{_SETTING}: the place {name!r} is file:///folder or s3://key:secret@host/bucket/prefix"
    )


class PlaceKind(StrEnum):
    FOLDER = "folder"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A `folder`, or what begins with `prefix` (empty, or ending in a slash) in a `bucket`.

    `organization` None: every organisation of the platform may register from it.
    """

    name: str
    kind: PlaceKind
    organization: UUID | None
    folder: Path = Path()
    bucket: S3Address | None = field(default=None, repr=False)
    prefix: str = ""


class BadPlace(BadSettings):
    """The setting names a place that cannot be one; the text shows no address."""


class PlaceUnknown(LookupError):
    """The settings name no such place for this organisation; `known` are those they do."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no place {name!r}")
        self.known = known
