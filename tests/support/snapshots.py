"""`python -m tests.support.snapshots`: write docs/events, a schema and an example for each event.

Run it when an event was added, or changed in a way that old messages still fit.
"""

import json
from pathlib import Path

from libs.schemas import events as _events  # noqa: F401  # registers them
from libs.schemas.envelope import Meta, encode, registry
from tests.arch.test_events import schema_of
from tests.support import asyncapi
from tests.support.examples import EXAMPLES, ORGANIZATION, TIME, example_id

FOLDER = Path(__file__).parents[2] / "docs" / "events"


def main() -> None:
    for event_type, event in registry().items():
        meta = Meta(id=example_id("meta"), source="/example", time=TIME, organization=ORGANIZATION)
        message = encode(EXAMPLES[event_type], meta)
        document = {
            "sentence": (event.__doc__ or "").strip().splitlines()[0],
            "schema": schema_of(event),
            "example": {
                "headers": {name: value.decode() for name, value in message.headers},
                "data": json.loads(message.value),
            },
        }
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{event_type}.json").write_text(text)
    (FOLDER / "asyncapi.json").write_text(asyncapi.text())


if __name__ == "__main__":
    main()
