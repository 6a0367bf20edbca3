"""The events: committed schemas, committed examples, and what may change in them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.schemas import envelope, topics
from libs.schemas.envelope import Event, Meta, decode, encode
from tests.support import asyncapi
from tests.support.examples import EXAMPLES, ORGANIZATION, TIME, example_id

SNAPSHOTS = Path(__file__).parents[2] / "docs" / "events"
TYPES = sorted(envelope.registry())


def schema_of(event: type[Event]) -> dict[str, Any]:
    document = msgspec.json.schema(event)
    return {
        "$id": event.event_type,
        "x-topic": event.topic.name,
        "x-key": event.topic.key,
    } | document


def snapshot(event_type: str) -> dict[str, Any]:
    path = SNAPSHOTS / f"{event_type}.json"
    assert path.exists(), "no snapshot: run `python -m tests.support.snapshots` and commit it"
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@pytest.mark.parametrize("event_type", TYPES)
def test_the_schema_in_code_is_the_one_that_is_committed(event_type: str) -> None:
    assert schema_of(envelope.registry()[event_type]) == snapshot(event_type)["schema"]


@pytest.mark.parametrize("event_type", TYPES)
def test_the_committed_example_is_still_read(event_type: str) -> None:
    event = envelope.registry()[event_type]
    message = snapshot(event_type)["example"]
    headers = [(name, value.encode()) for name, value in message["headers"].items()]
    received = decode(headers, json.dumps(message["data"]).encode())
    assert isinstance(received.data, event)
    assert received.data == EXAMPLES[event_type]


@pytest.mark.parametrize("event_type", TYPES)
def test_an_event_survives_the_wire(event_type: str) -> None:
    meta = Meta(id=example_id("meta"), source="/test", time=TIME, organization=ORGANIZATION)
    message = encode(EXAMPLES[event_type], meta)
    received = decode(message.headers, message.value)
    assert received.data == EXAMPLES[event_type]
    assert received.meta == meta
    assert message.key == EXAMPLES[event_type].key


def test_the_asyncapi_document_is_made_from_the_registry() -> None:
    assert (SNAPSHOTS / "asyncapi.json").read_text() == asyncapi.text()


def test_every_topic_is_named_once_and_keyed_by_a_field_of_its_events() -> None:
    names = [topic.name for topic in topics.TOPICS]
    assert len(names) == len(set(names))
    for event in envelope.registry().values():
        assert event.topic in topics.TOPICS


def test_a_compacted_topic_carries_one_event_type() -> None:
    for topic in topics.TOPICS:
        if topic.compacted:
            carried = [e for e in envelope.registry().values() if e.topic is topic]
            assert len(carried) == 1, topic.name


def test_a_record_that_is_no_event_says_what_is_wrong() -> None:
    meta = Meta(id=example_id("meta"), source="/test", time=TIME, organization=ORGANIZATION)
    good = encode(EXAMPLES["sightloop.serving.loaded.v1"], meta)
    with pytest.raises(envelope.MalformedEvent, match="missing required field `deployment`"):
        decode(good.headers, b"{}")
    with pytest.raises(envelope.MalformedEvent, match="ce_organization is missing"):
        decode([h for h in good.headers if h[0] != "ce_organization"], good.value)
    with pytest.raises(envelope.UnknownEventType, match="no event is named"):
        decode([("ce_type", b"sightloop.nothing.v1")], good.value)
