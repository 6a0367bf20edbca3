"""The AsyncAPI document of the events, made from the registry: `docs/events/asyncapi.json`."""

import json
from typing import Any

from libs.schemas.envelope import Event, registry
from libs.schemas.topics import TOPICS, Topic


def document() -> dict[str, Any]:
    """AsyncAPI 3.0: a channel for each topic, a message for each event."""
    messages = {event_type: _message(event) for event_type, event in registry().items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sightloop events",
            "version": "1",
            "description": "CloudEvents 1.0 in Kafka's binary mode: attributes are headers.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            f"read {topic.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{topic.name}"},
            }
            for topic in TOPICS
        },
        "components": {"messages": messages},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    carried = [t for t, event in registry().items() if event.topic is topic]
    kept: dict[str, Any] = {"cleanup.policy": ["compact"]}
    if topic.retention is not None:
        kept = {
            "cleanup.policy": ["delete"],
            "retention.ms": int(topic.retention.total_seconds() * 1000),
        }
    return {
        "address": topic.name,
        "description": topic.sentence,
        "messages": {t: {"$ref": f"#/components/messages/{t}"} for t in carried},
        "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": kept}},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.event_type,
        "summary": (event.__doc__ or "").strip().splitlines()[0],
        "payload": {"$ref": f"./{event.event_type}.json#/schema"},
        "bindings": {"kafka": {"key": {"type": "string", "description": event.topic.key}}},
    }


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
