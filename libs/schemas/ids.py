"""Identifiers: time-ordered where something is new, derived where a cause may be told twice."""

import os
from datetime import datetime
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1b3a52-7c0e-5d7e-9d0b-3f6b5c1c7a10")


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
    return uuid5(_NAMESPACE, "\x1f".join([kind, *map(str, parts)]))


def prediction_id(deployment: UUID, key: str) -> UUID:
    """The prediction that a client named `key` (an Idempotency-Key) within a deployment."""
    return derived("prediction", deployment, key)


def experiment_id(deployment: UUID, crossing: int) -> UUID:
    """The one experiment of a deployment's n-th crossing of its training threshold."""
    return derived("experiment", deployment, crossing)


def label_id(owner: UUID, name: str) -> UUID:
    """A label as clients meet it: known to every service without asking another."""
    return derived("label", owner, name)
