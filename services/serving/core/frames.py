"""How records lie in a file: length and CRC-32 (both 32 bits, little endian), then the payload.

An empty payload is no record: a tail of zeros, as a power cut leaves one, must not read as many.
"""

import struct
import zlib
from dataclasses import dataclass

_HEAD = struct.Struct("<II")
HEAD_SIZE = _HEAD.size


@dataclass(frozen=True, slots=True)
class Scan:
    """`good`: bytes of whole records at the start, `count` of them; `torn`: the rest is the start
    of a record that was never finished, and nothing else."""

    good: int
    count: int
    torn: bool


def frame(payload: bytes) -> bytes:
    """The bytes of a record; ValueError for an empty payload."""
    if not payload:
        raise ValueError("a record cannot be empty")
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def unframe(data: bytes, offset: int = 0) -> bytes | None:
    """The payload of the record at `offset`; None where no whole record lies there."""
    if offset + HEAD_SIZE > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, offset)
    payload = data[offset + HEAD_SIZE : offset + HEAD_SIZE + length]
    if not length or len(payload) != length or zlib.crc32(payload) != checksum:
        return None
    return payload


def payload_length(head: bytes) -> int:
    """How long the payload behind a head is."""
    length: int = _HEAD.unpack(head)[0]
    return length


def scan(data: bytes) -> Scan:
    """How much of a file is whole records."""
    position = count = 0
    while (payload := unframe(data, position)) is not None:
        position += HEAD_SIZE + len(payload)
        count += 1
    rest = data[position:]
    short = len(rest) < HEAD_SIZE or payload_length(rest[:HEAD_SIZE]) > len(rest) - HEAD_SIZE
    return Scan(position, count, torn=short)
