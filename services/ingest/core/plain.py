"""Predictions of a detector in which nothing is wrong or unusual: from their bytes to the event's.

Most are. What is declined here is decoded again by those who can say what is wrong with it; what
is taken is what they would have made of it, without the values in between.
"""

from datetime import UTC, datetime
from random import getrandbits
from typing import Annotated
from uuid import UUID

import msgspec

from libs.schemas.events import DeploymentChanged
from libs.schemas.ids import Derivation, id_text, prediction_id
from libs.schemas.values import Box, Output, Shapes, TaskType
from services.ingest.core.accepted import LARGEST, Accepted
from services.ingest.core.body import Body
from services.ingest.core.times import time_flags

NUL = b"\\u0000"
_Edge = int | float
_Edges = tuple[_Edge, _Edge, _Edge, _Edge]


class _Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A `Format` of a detector, of which the decoder alone sees whether its numbers are right."""

    detection_classes: list[Annotated[int, msgspec.Meta(ge=0)]]
    detection_scores: list[Annotated[float, msgspec.Meta(ge=0, le=1)]]
    detection_boxes: list[_Edges]
    detection_texts: list[str] | None = None
    detection_masks: None = None


class _Body(Body, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A `Body` without a picture and without a shadow's answer."""

    prediction: _Format  # type: ignore[assignment]  # of fewer bodies
    image: None = None
    shadow_prediction: None = None


class Line(msgspec.Struct, frozen=True, gc=False):
    """What `Logged` says, in its order. Ids are text already; edges may be whole numbers."""

    deployment: str
    prediction: str
    data: str
    type: str
    champion: Output
    shadow: None
    filename: str
    content_type: str
    width: int
    height: int
    source: str
    tags: list[str]
    flags: list[str]
    metadata: dict[str, object]
    custom_metadata: dict[str, object]
    custom_metrics: dict[str, object]
    event_time: datetime
    receive_time: datetime
    picture: None = None


_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder().encode
_NO_FLAGS: list[str] = []


class Plain:
    """Takes plain predictions of a deployment, as it is now, for whom asks."""

    def __init__(self, deployment: DeploymentChanged, *, organization: UUID, actor: str) -> None:
        self._id = deployment.deployment
        self._text = str(deployment.deployment)
        self._version = deployment.champion.version
        self._labels = len(deployment.champion.labels)
        self._takes = deployment.type is TaskType.OBJECT_DETECTION
        self._data = Derivation("data", deployment.deployment)
        self._organization = organization
        self._actor = actor

    def accept(
        self, raw: bytes, received: datetime, *, key: str | None, traceparent: str | None
    ) -> Accepted | None:
        """What goes out for a prediction; None: see the module.

        `key`: the Idempotency-Key, in place of an id.
        """
        # Without any escape there is none of NUL, and one byte is found sooner than six.
        if not self._takes or (b"\\" in raw and NUL in raw):
            return None
        try:
            body = _decode(raw)
        except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are
            return None
        sent, width, height = body.prediction, body.width, body.height
        classes, boxes, texts = sent.detection_classes, sent.detection_boxes, sent.detection_texts
        count = len(classes)
        if (
            not count == len(sent.detection_scores) == len(boxes)
            or (texts is not None and len(texts) != count)
            or (count and max(classes) >= self._labels)
        ):
            return None
        if body.timestamp is not None and time_flags(body.timestamp, received.timestamp()):
            return None
        placed = _inside(boxes, width, height) if boxes else []
        if len(placed) != count:
            return None
        version, tags = body.model_version, body.tags
        if body.prediction_id is not None:
            named = id_text(body.prediction_id)
        elif key:
            named = id_text(prediction_id(self._id, key))
        else:
            named = _new_id(received)
        data = self._data.text(named)
        document = _encode(
            Line(
                self._text,
                named,
                data,
                "OBJECT_DETECTION",
                Output(
                    version=version or self._version,
                    shapes=Shapes(
                        classes=classes,
                        scores=sent.detection_scores,
                        boxes=placed,
                    ),
                    latency=body.latency,
                    assumed=version is None,
                ),
                None,
                body.filename,
                body.content_type.lower(),
                width,
                height,
                body.source,
                list(dict.fromkeys(tags)) if len(tags) > 1 else tags,
                _NO_FLAGS,
                body.metadata,
                body.custom_metadata,
                body.custom_metrics,
                received if body.timestamp is None else datetime.fromtimestamp(body.timestamp, UTC),
                received,
            )
        )
        if len(document) > LARGEST:
            return None
        return Accepted(self._organization, self._actor, traceparent, named, data, document)


def _inside(boxes: list[_Edges], width: float, height: float) -> list[Box]:
    """The boxes that are wholly inside of the picture and not inverted, canonical."""
    # Numbers of one type are compared in half of the time.
    if type(boxes[0][0]) is float:
        zero, width, height = 0.0, float(width), float(height)
    else:
        zero = 0
    return [
        (left, top, right - left, bottom - top)
        for top, left, bottom, right in boxes
        if zero <= left <= right <= width and zero <= top <= bottom <= height
    ]


def _new_id(now: datetime) -> str:
    """As `uuid7`, as text. Ids are different, not secret."""
    text = f"{int(now.timestamp() * 1000) << 80 | getrandbits(80):032x}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
