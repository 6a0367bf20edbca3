"""What the gateway does by itself: read what changed and hand it on."""

from libs.bus.driver import Begin, Bus
from libs.schemas import topics
from libs.schemas.envelope import MalformedEvent, decode
from services.gateway.parts import Gateway

_TOPICS = (
    topics.REVIEWS, topics.DATA, topics.DEPLOYMENTS, topics.DATASETS, topics.MODELS,
    topics.TRAINING, topics.ROLLOUTS, topics.ALERTS, topics.JOBS, topics.LIVE,
)  # fmt: skip


async def feed_browsers(parts: Gateway, bus: Bus) -> None:
    """Read the topics from their end, for as long as the process runs."""
    async with bus.reader(_TOPICS, begin=Begin.END) as reader:
        while True:
            for record in await reader.fetch(limit=500, wait=5.0):
                try:
                    received = decode(record.message.headers, record.message.value)
                except MalformedEvent:
                    # A consumer of the topic dead-letters it; a browser has no use for it.
                    continue
                parts.feed.tell(received.organization, received.data, received.meta.time)
