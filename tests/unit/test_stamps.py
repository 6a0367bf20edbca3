"""A stamp makes what `encode` makes."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from libs.schemas.envelope import Meta, decode, encode
from libs.schemas.events import PredictionLogged
from libs.schemas.ids import derived
from libs.schemas.stamps import Stamp
from services.ingest.core.accepted import LARGEST, accepted
from services.ingest.errors import PredictionRejected
from tests.support.examples import example_id, logged


@pytest.mark.parametrize("traceparent", [None, f"00-{'a' * 32}-{'b' * 16}-01"])
def test_a_stamped_prediction_is_the_event_that_encode_makes(traceparent: str | None) -> None:
    event = PredictionLogged(logged=logged, boot=example_id("boot"), sequence=17)
    now = datetime.now(UTC)
    meta = Meta(
        id=derived("logged", "x"),
        source="/sightloop/ingest",
        time=now,
        organization=uuid4(),
        actor="somebody",
        traceparent=traceparent,
    )
    entry = accepted(
        event.logged, organization=meta.organization, actor="somebody", traceparent=traceparent
    )
    stamp = Stamp(PredictionLogged, event.key, "/sightloop/ingest", meta.organization, "somebody")
    made = stamp.message(
        msgspec.json.encode(msgspec.structs.replace(event, logged=msgspec.Raw(entry.document))),
        event_id=str(meta.id),
        time=now.isoformat().encode(),
        traceparent=traceparent,
    )
    expected = encode(event, meta)
    assert (made.topic, made.key, made.value) == (expected.topic, expected.key, expected.value)
    assert sorted(made.headers) == sorted(expected.headers)
    assert decode(made.headers, made.value).data == event


def test_a_prediction_that_no_bus_takes_is_refused_at_the_door() -> None:
    large = msgspec.structs.replace(logged, metadata={"note": "x" * LARGEST})
    with pytest.raises(PredictionRejected) as refused:
        accepted(large, organization=uuid4(), actor="", traceparent=None)
    assert refused.value.status == 413
