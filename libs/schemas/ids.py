"""Identifiers: time-ordered where something is new, derived where a cause may be told twice."""

import os
from datetime import datetime
from hashlib import sha1
from uuid import UUID

import msgspec

_NAMESPACE = UUID("6f1b3a52-7c0e-5d7e-9d0b-3f6b5c1c7a10").bytes
_encode = msgspec.json.Encoder().encode


def uuid7(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7) for the instant `now`; ids sort by time."""
    milliseconds = int(now.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    return _uuid(milliseconds << 80 | int.from_bytes(os.urandom(10), "big"), _V7)


def derived(kind: str, *parts: object) -> UUID:
    """The UUIDv5 of a cause: the same kind and parts give the same id, wherever it is told."""
    name = "\x1f".join([kind, *map(_text, parts)])
    return _uuid5(_NAMESPACE + name.encode())


class Derivation:
    """`derived` for many causes that differ in their last part only, an id."""

    def __init__(self, kind: str, *parts: object) -> None:
        name = _NAMESPACE + "\x1f".join([kind, *map(_text, parts), ""]).encode()
        self._begun = sha1(name, usedforsecurity=False)

    def of(self, last: UUID) -> UUID:
        hashed = self._begun.copy()
        hashed.update(_encode(last)[1:-1])
        return _uuid(int.from_bytes(hashed.digest()[:16], "big"), _V5)

    def text(self, last: str) -> str:
        """As `of`, from the text of an id to the text of one."""
        hashed = self._begun.copy()
        hashed.update(last.encode())
        x = hashed.hexdigest()
        return f"{x[:8]}-{x[8:12]}-5{x[13:16]}-{_VARIANTS[x[16]]}{x[17:20]}-{x[20:32]}"


def id_text(identifier: UUID) -> str:
    """`str` of an id, in a third of its time."""
    return _encode(identifier)[1:-1].decode()


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


# Each prediction has three ids. Of all ways to make a UUID, from MessagePack takes least time.
_decode = msgspec.msgpack.Decoder(UUID).decode
_BIN16 = b"\xc4\x10"
_RFC = (1 << 128) - 1 ^ (0xF << 76 | 0x3 << 62)
_VARIANT = 0x2 << 62
_V5 = 5 << 76 | _VARIANT
_V7 = 7 << 76 | _VARIANT
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _uuid5(name: bytes) -> UUID:
    octets = sha1(name, usedforsecurity=False).digest()[:16]
    return _uuid(int.from_bytes(octets, "big"), _V5)


def _uuid(number: int, marks: int) -> UUID:
    """RFC 9562, section 4: the version in octet 6, the variant in octet 8."""
    return _decode(_BIN16 + (number & _RFC | marks).to_bytes(16, "big"))


def _text(part: object) -> str:
    return id_text(part) if type(part) is UUID else str(part)
