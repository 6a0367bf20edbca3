"""What a client sends, as msgspec structs: decoding names the wrong element."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

_SHOWN = 300
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
_Pixels = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
_Tags = Annotated[list[_Text], msgspec.Meta(max_length=64)]


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's answer in the wire format. Lists have equal length."""

    detection_classes: list[int]
    detection_scores: list[float]
    detection_texts: list[str] | None = None
    detection_boxes: list[list[float]] | None = None
    detection_masks: list[list[list[float]]] | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prediction as it is sent. `timestamp`: epoch seconds; `image`: base64."""

    prediction_id: UUID | None = None
    filename: _Text
    content_type: _Text
    height: _Pixels
    width: _Pixels
    latency: _Seconds
    prediction: Format
    image: str | None = None
    source: _Text = "serving"
    tags: _Tags = []
    timestamp: Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)] | None = None
    metadata: dict[str, Any] = {}
    custom_metadata: dict[str, Any] = {}
    custom_metrics: dict[str, Any] = {}
    shadow_latency: _Seconds | None = None
    shadow_prediction: Format | None = None
    sample: bool = True
    model_version: UUID | None = None
    shadow_model_version: UUID | None = None


class ShadowBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shadow's answer that comes later."""

    latency: _Seconds
    prediction: Format
    model_version: UUID | None = None


def where_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """(where, what) of a msgspec error: "… - at `$.prediction.boxes[3]`"."""
    what, _, path = str(error).partition(" - at `$")
    return path.rstrip("`").lstrip(".")[:_SHOWN] or "body", what[:_SHOWN]
