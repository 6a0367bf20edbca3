"""What waits in the log spool: the bodies that ingest will get."""

from typing import Any
from uuid import UUID

import msgspec


class PredictionEntry(msgspec.Struct, frozen=True, kw_only=True, tag="prediction"):
    """A champion's answer. `body`: ingest's JSON without the picture."""

    organization: UUID
    deployment: UUID
    prediction: UUID
    time: float
    body: dict[str, Any]
    picture: bytes


class ShadowEntry(msgspec.Struct, frozen=True, kw_only=True, tag="shadow"):
    """A shadow's answer to a prediction. `time`: epoch seconds at which it was known."""

    organization: UUID
    deployment: UUID
    prediction: UUID
    time: float
    body: dict[str, Any]


Entry = PredictionEntry | ShadowEntry

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """The bytes of an entry."""
    return _encoder.encode(entry)


def decode_entry(payload: bytes) -> Entry:
    """The entry of some bytes. Raises msgspec.DecodeError (another release wrote them)."""
    return _decoder.decode(payload)


def with_shadow(body: dict[str, Any], shadow: ShadowEntry) -> dict[str, Any]:
    """Ingest's JSON for both answers in one request."""
    return body | {
        "shadow_latency": shadow.body["latency"],
        "shadow_prediction": shadow.body["prediction"],
        "shadow_model_version": shadow.body["model_version"],
    }
