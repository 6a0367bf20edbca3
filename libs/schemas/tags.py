"""What can be tagged besides images, and whose a tag is: its id says it."""

import secrets
from enum import StrEnum
from uuid import UUID

# The first byte of the id of a tag that the service made.
_MARKS = {"deployer": 0xD0, "feedback": 0xFE}
_CUSTOM = 8


class TagTarget(StrEnum):
    """What a tag is for. ASSET: of one dataset version."""

    DEPLOYMENT = "DEPLOYMENT"
    MODEL = "MODEL"
    MODEL_VERSION = "MODEL_VERSION"
    DATASET = "DATASET"
    DATASET_VERSION = "DATASET_VERSION"
    ASSET = "ASSET"


_OWNERS = {
    TagTarget.DEPLOYMENT: "deployer",
    TagTarget.MODEL: "deployer",
    TagTarget.MODEL_VERSION: "deployer",
    TagTarget.DATASET: "feedback",
    TagTarget.DATASET_VERSION: "feedback",
    TagTarget.ASSET: "feedback",
}


def owner_of(target: TagTarget) -> str:
    """The service that has what is tagged, and so the tags."""
    return _OWNERS[target]


def new_tag_id(target: TagTarget) -> UUID:
    """A random UUIDv8 that says whose it is. Not derived from the name, which may change."""
    value = int.from_bytes(bytes([_MARKS[owner_of(target)]]) + secrets.token_bytes(15))
    value &= ~(0xF000 << 64 | 0xC000 << 48)
    return UUID(int=value | _CUSTOM << 76 | 0x8000 << 48)


def service_of(tag: UUID) -> str | None:
    """The service that has a tag; None for a tag of images, whose id is derived."""
    if tag.version != _CUSTOM:
        return None
    return next((name for name, mark in _MARKS.items() if tag.bytes[0] == mark), None)
