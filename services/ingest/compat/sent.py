"""A prediction as the existing client sends it, and the same as we read it."""

from typing import Any, TypeVar
from uuid import UUID

import msgspec

from services.ingest.core.body import Body, Format, ShadowBody, where_of
from services.ingest.errors import PredictionRejected

T = TypeVar("T")
_OURS = {"raw_predictions": "prediction", "shadow_raw_predictions": "shadow_prediction"}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}


class Cloud(msgspec.Struct, frozen=True):
    """A picture that is with us already."""

    connector_id: UUID
    object_name: str


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The client's body, as far as it has names of its own; the rest is `Body`'s."""

    raw_predictions: Format
    shadow_raw_predictions: Format | None = None
    cloud_image: Cloud | None = None


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow's answer that comes later."""

    shadow_raw_predictions: Format
    shadow_latency: float


_prediction = msgspec.json.Decoder(Prediction)
_shadow = msgspec.json.Decoder(Shadow)
_whole = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FIELDS = frozenset(Body.__struct_fields__) - {"prediction_id", *_OURS.values()}


def read(raw: bytes) -> tuple[Body, Cloud | None]:
    """The prediction of a request. Fields that we do not know are left out.

    Raises:
        PredictionRejected: naming the wrong element as the client names it.
    """
    sent = _decoded(_prediction, raw)
    fields: dict[str, msgspec.Raw] = _decoded(_whole, raw)
    kept = {name: value for name, value in fields.items() if name in _FIELDS}
    for theirs, ours in _OURS.items():
        if theirs in fields:
            kept[ours] = fields[theirs]
    return _decoded(_body, msgspec.json.encode(kept)), sent.cloud_image


def read_shadow(raw: bytes) -> bytes:
    """A shadow's answer as our own route reads it. Raises PredictionRejected."""
    sent = _decoded(_shadow, raw)
    body = ShadowBody(latency=sent.shadow_latency, prediction=sent.shadow_raw_predictions)
    return msgspec.json.encode(body)


def in_their_words(where: str) -> str:
    """The path of a wrong element, as the client has it."""
    head, dot, rest = where.partition(".")
    return _THEIRS.get(head, head) + dot + rest


def _decoded(decoder: "msgspec.json.Decoder[Any]", raw: bytes) -> Any:
    if b"\\u0000" in raw:
        what = "the character U+0000 cannot be stored"
        raise PredictionRejected("malformed", what, errors=[("body", what)])
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise PredictionRejected(
            "malformed", "the body does not fit its schema", errors=[where_of(error)]
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PredictionRejected(
            "malformed", f"the body is no JSON: {error}", status=400, errors=[("body", str(error))]
        ) from error


_body = msgspec.json.Decoder(Body)
