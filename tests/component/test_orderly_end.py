"""SIGTERM while a part is away: the process ends in order, and loses nothing."""

from collections.abc import Sequence

import pytest

from libs.bus.driver import BusUnavailable
from libs.schemas.envelope import Message
from tests.support.services import Run


async def test_an_outbox_that_cannot_drain_does_not_fail_the_end(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service_runner("gateway") as running:
        body = {"name": "ci", "role": "viewer", "expires_in_days": 1}
        made = await running.http.post("/api/gateway/v1/tokens", json=body)
        assert made.status_code == 201, made.text

        async def away(messages: Sequence[Message]) -> None:
            raise BusUnavailable("the broker was killed")

        monkeypatch.setattr(running.context.bus.sink, "publish", away)
        revoked = await running.http.delete(f"/api/gateway/v1/tokens/{made.json()['id']}")
        assert revoked.status_code == 204, revoked.text
    # The end of the block is the end of the process: it raises what the process ended with.
