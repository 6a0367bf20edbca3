"""What happens when a bus tells everything twice."""

import asyncio

from libs.bus.driver import Begin
from libs.bus.open import open_bus
from libs.schemas.envelope import Message
from libs.schemas.topics import DATA, JOBS, PREDICTIONS, REVIEWS, ROLLOUTS, TRAINING
from libs.store.clock import SystemClock

_TOPICS = (PREDICTIONS, REVIEWS, TRAINING, ROLLOUTS, DATA, JOBS)


def tell_again(bus_url: str) -> int:
    """Publish every record of the event topics once more, in order; returns how many."""
    return asyncio.run(_tell_again(bus_url))


async def _tell_again(bus_url: str) -> int:
    async with open_bus(bus_url, clock=SystemClock()) as bus:
        messages: list[Message] = []
        async with bus.reader(_TOPICS, begin=Begin.START) as reader:
            while not await reader.caught_up():
                messages += [r.message for r in await reader.fetch(limit=500, wait=1.0)]
        for start in range(0, len(messages), 200):
            await bus.sink.publish(messages[start : start + 200])
        return len(messages)
