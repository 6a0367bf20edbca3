"""A prediction to log: as the caller gives it, and as it is sent."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

import msgspec

from sightloop_sdk.convert.outputs import to_prediction
from sightloop_sdk.convert.pictures import Color, Held, hold, read_header
from sightloop_sdk.errors import InvalidPrediction, UnreadableImage
from sightloop_sdk.formats import Labels, Prediction
from sightloop_sdk.ids import id_of, uuid7

_encode = msgspec.json.Encoder().encode


class Options(TypedDict, total=False):
    """What may be said beside picture, latency, size and prediction.

    `source`: where it comes from (`serving` by default). `tags`: texts. `timestamp`: epoch seconds
    or an aware datetime; by default the server's time, in the buffered monitor the call's.
    `metadata`, `custom_metadata`, `custom_metrics`: JSON. `shadow_latency`,
    `shadow_raw_predictions`: the shadow's answer to the same picture. `sample`: False keeps no
    picture. `prediction_id`: by default a new one; the same id twice is one prediction.
    `model_version`, `shadow_model_version`: what answered, if not the deployed one.
    `filename`, `content_type`: of the picture. `color`: the order of an array's channels.
    """

    source: str
    tags: Sequence[str]
    timestamp: float | datetime | None
    metadata: Mapping[str, Any]
    custom_metadata: Mapping[str, Any]
    custom_metrics: Mapping[str, Any]
    shadow_latency: float | None
    shadow_raw_predictions: Any
    sample: bool
    prediction_id: UUID | str | None
    model_version: UUID | str | None
    shadow_model_version: UUID | str | None
    filename: str | None
    content_type: str | None
    color: Color


@dataclass(frozen=True)
class Record:
    """A prediction to log; the fields of `monitor`, as a value for `monitor_many`."""

    image: Any
    latency: float
    height: int | None = None
    width: int | None = None
    prediction: Any = None
    source: str = "serving"
    tags: Sequence[str] = ()
    timestamp: float | datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    custom_metadata: Mapping[str, Any] = field(default_factory=dict)
    custom_metrics: Mapping[str, Any] = field(default_factory=dict)
    shadow_latency: float | None = None
    shadow_raw_predictions: Any = None
    sample: bool = True
    prediction_id: UUID | str | None = None
    model_version: UUID | str | None = None
    shadow_model_version: UUID | str | None = None
    filename: str | None = None
    content_type: str | None = None
    color: Color = "RGB"


@dataclass(frozen=True)
class Target:
    """What is known of the deployment: its type and labelmap, None where it was not asked."""

    task: str | None = None
    labels: Labels | None = None


class Prepared(msgspec.Struct, frozen=True):
    """A prediction to send. `document`: its JSON without the picture; an open one lacks the end.

    `size`: bytes it holds in memory, about. `picture`: still to be encoded, or None.
    """

    id: UUID
    document: bytes
    picture: Held | None
    size: int
    sized: bool

    def finished(self) -> Finished:
        """The picture encoded or fetched. Raises UnreadableImage."""
        picture = self.picture
        if picture is None:
            return Finished(self.id, self.document, None)
        try:
            content = picture.encoded()
        except UnreadableImage:
            raise
        except (OSError, TypeError, ValueError) as error:
            raise UnreadableImage(f"the picture cannot be compressed: {error}") from error
        document = self.document
        if not self.sized:
            header = read_header(content)
            rest = {
                "content_type": header.content_type,
                "width": header.width,
                "height": header.height,
            }
            document = document[:-1] + b"," + _encode(rest)[1:]
        return Finished(self.id, document, content)


class Finished(msgspec.Struct, frozen=True):
    """A prediction as bytes: its JSON without the picture, and the picture."""

    id: UUID
    document: bytes
    picture: bytes | None

    def line(self) -> bytes:
        """A line of a batch: the picture within, in base64."""
        if self.picture is None:
            return self.document
        return self.document[:-1] + b',"image":"' + base64.b64encode(self.picture) + b'"}'


class _Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    prediction_id: UUID
    filename: str
    latency: float
    prediction: Prediction
    content_type: str | None = None
    height: int | None = None
    width: int | None = None
    source: str = "serving"
    tags: list[str] = []
    timestamp: float | None = None
    metadata: Mapping[str, Any] = {}
    custom_metadata: Mapping[str, Any] = {}
    custom_metrics: Mapping[str, Any] = {}
    shadow_latency: float | None = None
    shadow_prediction: Prediction | None = None
    sample: bool = True
    model_version: UUID | None = None
    shadow_model_version: UUID | None = None


def prepare(record: Record, target: Target, *, later: bool = False) -> Prepared:
    """Check a record and take all of it in hand.

    `later`: it is sent after the call: its time is now, arrays are copied, and the size of a
    picture that must be fetched has to be given.

    Raises:
        InvalidPrediction, UnknownLabel, UnreadableImage, MissingExtra: nothing is taken.
    """
    if record.prediction is None:
        raise InvalidPrediction("prediction is missing: give the model's answer")
    picture = None
    if record.image is not None:
        picture = hold(record.image, color=record.color, copy=later)
    width = record.width or (None if picture is None else picture.width)
    height = record.height or (None if picture is None else picture.height)
    sized = bool(width and height)
    if not sized and (picture is None or later):
        why = "there is no picture" if picture is None else "the address is fetched later"
        raise InvalidPrediction(f"height and width are missing, and {why}: give both in pixels")
    named = (
        uuid7() if record.prediction_id is None else id_of(record.prediction_id, "prediction_id")
    )
    kind = record.content_type or (picture.content_type if picture is not None else "image/jpeg")
    body = _Body(
        prediction_id=named,
        filename=record.filename or (picture and picture.filename) or _name(named, kind),
        content_type=kind if sized else None,
        height=height if sized else None,
        width=width if sized else None,
        latency=_duration(record.latency),
        prediction=to_prediction(record.prediction, task=target.task, labels=target.labels),
        source=record.source,
        tags=list(record.tags),
        timestamp=_seconds(record.timestamp, later=later),
        metadata=record.metadata,
        custom_metadata=record.custom_metadata,
        custom_metrics=record.custom_metrics,
        shadow_latency=record.shadow_latency,
        shadow_prediction=_shadow(record, target),
        sample=record.sample,
        model_version=_version(record.model_version, "model_version"),
        shadow_model_version=_version(record.shadow_model_version, "shadow_model_version"),
    )
    document = encoded(body)
    kept = picture if record.sample else None
    size = len(document) + (0 if kept is None else kept.size)
    return Prepared(named, document, kept, size, sized)


def encoded(body: msgspec.Struct) -> bytes:
    """JSON of a body. Raises InvalidPrediction: metadata is no JSON."""
    try:
        return _encode(body)
    except (TypeError, UnicodeEncodeError, OverflowError) as error:
        raise InvalidPrediction(f"cannot be written as JSON: {error}") from error


def _shadow(record: Record, target: Target) -> Prediction | None:
    sent = record.shadow_raw_predictions
    if sent is None:
        return None
    if record.shadow_latency is None:
        raise InvalidPrediction("a shadow's answer needs shadow_latency, in seconds")
    return to_prediction(sent, task=target.task, labels=target.labels)


def _duration(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InvalidPrediction(f"latency must be seconds, 0 or more, not {value!r}")
    return seconds


def _version(value: UUID | str | None, name: str) -> UUID | None:
    return None if value is None else id_of(value, name)


def _seconds(value: float | datetime | None, *, later: bool) -> float | None:
    if value is None:
        return time.time() if later else None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidPrediction("timestamp has no time zone: give an aware datetime")
        return value.timestamp()
    return float(value)


def _name(named: UUID, content_type: str) -> str:
    return f"{named}.{content_type.rpartition('/')[2].replace('jpeg', 'jpg')}"
