"""Identifiers: time-ordered where something is new, derived where a cause may be told twice."""

import os
from datetime import datetime
from hashlib import sha1
from uuid import UUID

_NAMESPACE = UUID("6f1b3a52-7c0e-5d7e-9d0b-3f6b5c1c7a10").bytes
_VERSION_AND_VARIANT = ~(0xF << 76 | 0b11 << 62)
_UUID5 = 0x5 << 76 | 0b10 << 62


def uuid7(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7) for the instant `now`; ids sort by time."""
    milliseconds = int(now.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    version = 0x7 << 76
    variant = 0b10 << 62
    rand_a = ((random >> 62) & 0xFFF) << 64
    rand_b = random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=high | version | rand_a | variant | rand_b)


def derived(kind: str, *parts: object) -> UUID:
    """The UUIDv5 of a cause: the same kind and parts give the same id, wherever it is told."""
    name = "\x1f".join([kind, *map(str, parts)])
    # RFC 9562, section 5.5; `uuid.uuid5` takes twice as long, and each prediction has two.
    hashed = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()
    return UUID(int=int.from_bytes(hashed[:16], "big") & _VERSION_AND_VARIANT | _UUID5)


def prediction_id(deployment: UUID, key: str) -> UUID:
    """The prediction that a client named `key` (an Idempotency-Key) within a deployment."""
    return derived("prediction", deployment, key)


def experiment_id(deployment: UUID, crossing: int) -> UUID:
    """The one experiment of a deployment's n-th crossing of its training threshold."""
    return derived("experiment", deployment, crossing)


def connector_id(organization: UUID) -> UUID:
    """An organisation's one place for files, as the existing client knows it."""
    return derived("connector", organization)


def datalake_id(organization: UUID) -> UUID:
    """The one Datalake of an organisation, as the existing client knows it."""
    return derived("datalake", organization)


def label_id(owner: UUID, name: str) -> UUID:
    """A label as clients meet it: known to every service without asking another."""
    return derived("label", owner, name)
