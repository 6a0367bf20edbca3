"""Folders and buckets outside the platform that images are registered from.

Settings name them; a caller says a name and a path below it, and never an address.
"""

from services.ingest.actions.places.naming import (
    BadPlace,
    Place,
    PlaceUnknown,
    place_of,
    places_of,
    read_places,
)
from services.ingest.actions.places.opening import open_place
from services.ingest.actions.places.outside import (
    BadPath,
    Entry,
    Outside,
    PlaceRefuses,
    Unreadable,
    check_path,
)

__all__ = [
    "BadPath",
    "BadPlace",
    "Entry",
    "Outside",
    "Place",
    "PlaceRefuses",
    "PlaceUnknown",
    "Unreadable",
    "check_path",
    "open_place",
    "place_of",
    "places_of",
    "read_places",
]
