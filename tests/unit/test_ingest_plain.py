"""What is taken without values in between says what the long way says."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from libs.schemas.envelope import decode
from libs.schemas.events import PredictionLogged
from libs.schemas.values import Logged
from services.ingest.core.plain import Line, Plain
from tests.support.clock import ManualClock
from tests.support.door import open_door

BODY: dict[str, Any] = {
    "filename": "a.png", "content_type": "image/PNG", "height": 48, "width": 64, "latency": 0.02,
    "tags": ["b", "a", "b"], "metadata": {"line": [3, None, "ü"]},
    "timestamp": ManualClock().now().timestamp(),
    "prediction": {
        "detection_classes": [1, 0],
        "detection_scores": [0.5, 1],
        "detection_boxes": [[1.5, 2.25, 3.75, 40.5], [0.0, 0.0, 48.0, 64.0]],
    },
}  # fmt: skip


def test_a_line_has_the_fields_of_a_logged_prediction_in_their_order() -> None:
    assert Line.__struct_fields__ == Logged.__struct_fields__


async def test_the_event_of_a_plain_prediction_has_the_bytes_of_its_schema(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        assert (await door.post(path, json.dumps(BODY).encode())).status == 201
        (message,) = door.sink.taken
        event = decode(message.headers, message.value).data
        assert isinstance(event, PredictionLogged)
        assert msgspec.json.encode(event) == message.value
        assert event.logged.prediction.version == 7
        assert event.logged.tags == ["b", "a"]


async def test_edges_in_whole_numbers_are_the_same_boxes(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        for boxes in ([[1, 2, 3, 40], [-0, 0, 48, 64]], [[1.0, 2, 3e0, 40], [-0.0, 0.0, 48, 64]]):
            sent = BODY["prediction"] | {"detection_boxes": boxes}
            raw = json.dumps(BODY | {"prediction": sent}).encode()
            assert (await door.post(path, raw)).status == 201
        whole, mixed = (event.data.logged.champion.shapes for event in door.logged())
        assert whole == mixed
        assert whole.boxes == [(2.0, 1.0, 38.0, 2.0), (0.0, 0.0, 64.0, 48.0)]


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "AAAA"},
        {"metadata": {"x": "\0"}},
        {"shadow_latency": 0.1, "shadow_prediction": BODY["prediction"]},
        {"prediction": BODY["prediction"] | {"detection_classes": [1, 3]}},
        {"prediction": BODY["prediction"] | {"detection_classes": [1]}},
        {"prediction": BODY["prediction"] | {"detection_texts": ["one"]}},
        {"prediction": BODY["prediction"] | {"detection_boxes": [[1, 2, 3, 4], [5, 6, 49, 8]]}},
        {"prediction": BODY["prediction"] | {"detection_boxes": [[1, 2, 3, 4], [5, 6, 4, 8]]}},
        {"metadata": {"x": "x" * 970_000}},
    ],
)
async def test_what_is_unusual_or_wrong_is_declined(tmp_path: Path, changed: Any) -> None:
    async with open_door(tmp_path) as door:
        known = door.parts.deployments.get(str(await door.deploy()))
        assert known is not None
        plain = Plain(known.data, organization=uuid4(), actor="somebody")
        now = door.clock.now()
        named = BODY | {"prediction_id": str(UUID(int=7)).upper()}
        taken = plain.accept(json.dumps(named).encode(), now, key=None, traceparent=None)
        assert taken is not None
        assert taken.prediction == str(UUID(int=7))
        raw = json.dumps(BODY | changed).encode()
        assert plain.accept(raw, now, key=None, traceparent=None) is None
