"""Predictions right and wrong, and a model of what is right by another hand than ours."""

import json
from random import Random
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.support.door import LABELS

Text = Annotated[str, Field(min_length=1, max_length=1024)]
Pixels = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Strict(BaseModel):
    """As docs/http.md says it: no field unknown, no type guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FormatModel(Strict):
    """Format."""

    detection_classes: list[int]
    detection_scores: list[float]
    detection_texts: list[str] | None = None
    detection_boxes: list[list[float]] | None = None
    detection_masks: list[list[list[float]]] | None = None

    def fits(self) -> bool:
        """Whether a detector with our labels may say this."""
        columns = [self.detection_scores, self.detection_boxes, self.detection_texts]
        return (
            self.detection_boxes is not None
            and self.detection_masks is None
            and all(c is None or len(c) == len(self.detection_classes) for c in columns)
            and all(0 <= n < len(LABELS) for n in self.detection_classes)
            and all(0 <= score <= 1 for score in self.detection_scores)
            and all(len(box) == 4 for box in self.detection_boxes)
        )


class PredictionModel(Strict):
    """Prediction."""

    prediction_id: UUID | None = None
    filename: Text
    content_type: Text
    height: Pixels
    width: Pixels
    latency: Seconds
    prediction: FormatModel
    image: str | None = None
    source: Text = "serving"
    tags: Annotated[list[Text], Field(max_length=64)] = []
    timestamp: Annotated[float, Field(ge=0, le=253_402_300_799)] | None = None
    metadata: dict[str, Any] = {}
    custom_metadata: dict[str, Any] = {}
    custom_metrics: dict[str, Any] = {}
    shadow_latency: Seconds | None = None
    shadow_prediction: FormatModel | None = None
    sample: bool = True
    model_version: UUID | None = None
    shadow_model_version: UUID | None = None

    def fits(self) -> bool:
        """Whether a deployment without a shadow may log this."""
        shadow = self.shadow_prediction is None or (
            self.shadow_latency is not None
            and self.shadow_model_version is not None
            and self.shadow_prediction.fits()
        )
        # No picture that the tests make up is one; without `sample` nobody looks at it.
        picture = self.image is None or not self.sample
        return shadow and picture and self.prediction.fits()


def accepts(raw: bytes) -> bool:
    """What the model by another hand says."""
    try:
        return PredictionModel.model_validate_json(raw).fits()
    except ValidationError:
        return False


WORDS = ["", "a", "belt-17.jpg", "x" * 30, "ключ", "\U0001f600", '"', "\\", "\n", "\x7f", "é"]
VALUES: list[Any] = [
    None, True, False, 0, -1, 2, 3, 900, 10**6, 10**6 + 1, 2**63, 2**64,
    1.0, 0.5, -0.0, -3.25, 1e300, 1e-300,
    "", "a", [], [1], [[]], [[1, 2, 3]], [[1, 2, 3, 4]], {}, {"a": {"b": [1, None, "ü"]}},
]  # fmt: skip


class Maker:
    """Makes predictions: hypothesis draws the seeds, so that thousands take seconds."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def maybe(self, share: float = 0.5) -> bool:
        return self.random.random() < share

    def number(self) -> float:
        return self.random.choice(
            [self.random.randint(0, 900), self.random.uniform(-40, 900), 0, 640, -0.0, 1e9]
        )

    def score(self) -> float:
        return self.random.choice([0, 1, self.random.random()])

    def any(self, depth: int = 2) -> Any:
        if depth and self.maybe(0.3):
            return [self.any(depth - 1) for _ in range(self.random.randrange(3))]
        if depth and self.maybe(0.3):
            return self.object(depth)
        return self.random.choice([*VALUES, *WORDS, self.number()])

    def object(self, depth: int = 2) -> dict[str, Any]:
        names = self.random.sample(WORDS, self.random.randrange(3))
        return {name: self.any(depth - 1) for name in names}

    def format(self) -> dict[str, Any]:
        """A detector's answer, in order."""
        count = self.random.randrange(5)
        sent: dict[str, Any] = {
            "detection_classes": [self.random.randrange(3) for _ in range(count)],
            "detection_scores": [
                self.random.choice([0, 1, self.random.random()]) for _ in range(count)
            ],
            "detection_boxes": [[self.number() for _ in range(4)] for _ in range(count)],
        }
        if self.maybe(0.3):
            texts = [self.random.choice(WORDS) for _ in range(count)]
            sent["detection_texts"] = self.random.choice([None, texts])
        return sent

    def body(self) -> dict[str, Any]:
        """A prediction, right in half of the cases; else with up to two fields changed or gone."""
        body: dict[str, Any] = {
            "filename": self.random.choice(WORDS[1:]), "content_type": "image/PNG",
            "height": self.random.randint(1, 900), "width": self.random.randint(1, 900),
            "latency": self.random.random(), "prediction": self.format(),
        }  # fmt: skip
        optional = {
            "prediction_id": self.id(),
            "source": "line 3",
            "timestamp": self.random.choice([None, 0, 1.7e9]),
            "tags": self.random.choices(WORDS[1:], k=self.random.randrange(4)),
            "metadata": self.object(),
            "custom_metadata": self.object(),
            "custom_metrics": self.object(),
            "sample": self.maybe(),
            "model_version": self.id(),
            "shadow_latency": self.random.random(),
            "shadow_prediction": self.format(),
            "shadow_model_version": self.id(),
        }
        body |= {name: value for name, value in optional.items() if self.maybe(0.3)}
        if self.maybe():
            for _ in range(self.random.choice([1, 1, 2])):
                self.spoil(body)
        return body

    def spoil(self, body: dict[str, Any]) -> None:
        inner = body.get("prediction")
        where = inner if isinstance(inner, dict) and self.maybe() else body
        name = self.random.choice([*where, "colour", "detection_masks", "image"])
        if self.maybe(0.3):
            where.pop(name, None)
        elif isinstance(where.get(name), list) and where[name] and self.maybe(0.6):
            where[name][self.random.randrange(len(where[name]))] = self.any()
        else:
            where[name] = self.any()

    def id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128)))

    def mangled(self) -> bytes:
        """Bytes of a prediction with some changed, moved or gone."""
        raw = bytearray(json.dumps(self.body(), ensure_ascii=self.maybe()).encode())
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randrange(len(raw) + 1)
            size = self.random.choice([0, 0, 1, 5, len(raw)])
            raw[at : at + size] = self.random.choice(
                [b"", b"\0", b"\xff", b'"', b"}", b"NaN", b"1e999", b"\\ud800", b",", raw[:40]]
            )
        return bytes(raw)
