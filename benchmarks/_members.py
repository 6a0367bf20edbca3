"""Members of a consumer group that all do the same work: a row in PostgreSQL for each event.

Started by `benchmarks.runner`; each runs in a process of its own, so that it can be killed.
The peers use nothing of Sightloop, so that they run in an environment of their own:

    python benchmarks/_members.py KIND BROKERS TOPIC DATABASE GROUP
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import UUID

BATCH = 500
_INSERT = "INSERT INTO effects (event, source) SELECT * FROM unnest($1::uuid[], $2::text[])"

Start = Callable[[str, str, str, str], Coroutine[Any, Any, None]]


def _row(message: Any) -> tuple[UUID, str]:
    headers = dict(message.headers)
    return UUID(headers["ce_id"].decode()), json.loads(message.value)["source"]


async def ours(bus_url: str, _topic: str, database_url: str, group: str) -> None:
    """The runner, with its inbox."""
    from sqlalchemy import ARRAY, Text, Uuid, bindparam, text  # noqa: PLC0415

    from libs.bus import metrics  # noqa: PLC0415
    from libs.bus.consumer import OK, Consumer, batch  # noqa: PLC0415
    from libs.bus.open import open_bus  # noqa: PLC0415
    from libs.bus.runner import Runner  # noqa: PLC0415
    from libs.schemas.events import DataChanged  # noqa: PLC0415
    from libs.store.clock import SystemClock  # noqa: PLC0415
    from libs.store.session import open_database  # noqa: PLC0415

    insert = text(
        "INSERT INTO effects (event, source) SELECT * FROM unnest(:events, :sources)"
    ).bindparams(
        bindparam("events", type_=ARRAY(Uuid())), bindparam("sources", type_=ARRAY(Text()))
    )

    async def handle(tx: Any, events: Any) -> Any:
        ids = [received.meta.id for received in events]
        sources = [received.data.source for received in events]
        await tx.execute(insert.bindparams(events=ids, sources=sources))
        return [OK] * len(events)

    clock = SystemClock()
    database = open_database("bench", database_url, clock=clock)
    consumer = Consumer(name="bench", handlers=(batch(DataChanged, handle),))
    async with open_bus(bus_url, clock=clock) as bus:
        runner = Runner(bus, consumer, database, group=group, clock=clock)
        await _until_asked(runner.run())
    await database.close()
    stages = {
        sample.labels["stage"]: sample.value
        for family in metrics.STAGE_SECONDS.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    print(json.dumps(stages), flush=True)


async def aiokafka_by_hand(brokers: str, topic: str, database_url: str, group: str) -> None:
    """The loop of aiokafka's documentation: a batch, a transaction, then the offsets."""
    import asyncpg  # noqa: PLC0415
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415

    async def work() -> None:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=brokers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        async with asyncpg.create_pool(_plain(database_url), min_size=1) as pool, consumer:
            while True:
                found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
                rows = [_row(message) for messages in found.values() for message in messages]
                if rows:
                    await pool.execute(_INSERT, [r[0] for r in rows], [r[1] for r in rows])
                    await consumer.commit()

    await _until_asked(work())


async def aiokafka_by_default(brokers: str, topic: str, database_url: str, group: str) -> None:
    """The same loop with aiokafka's defaults: offsets go by themselves every five seconds."""
    import asyncpg  # noqa: PLC0415
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415

    async def work() -> None:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=brokers,
            group_id=group,
            auto_offset_reset="earliest",
        )
        async with asyncpg.create_pool(_plain(database_url), min_size=1) as pool, consumer:
            while True:
                found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
                rows = [_row(message) for messages in found.values() for message in messages]
                if rows:
                    await pool.execute(_INSERT, [r[0] for r in rows], [r[1] for r in rows])

    await _until_asked(work())


async def faststream_by_default(brokers: str, topic: str, database_url: str, group: str) -> None:
    """A batch subscriber of FastStream as its documentation shows it."""
    await _faststream(brokers, topic, database_url, group, policy=None)


async def faststream_acknowledged(brokers: str, topic: str, database_url: str, group: str) -> None:
    """FastStream, offsets committed after the handler has returned."""
    from faststream import AckPolicy  # type: ignore[import-not-found]  # noqa: PLC0415 - a peer

    await _faststream(brokers, topic, database_url, group, policy=AckPolicy.NACK_ON_ERROR)


async def _faststream(
    brokers: str, topic: str, database_url: str, group: str, *, policy: Any
) -> None:
    import asyncpg  # noqa: PLC0415
    from faststream.kafka import (  # type: ignore[import-not-found]  # noqa: PLC0415 - a peer
        KafkaBroker,
        KafkaMessage,
    )

    broker = KafkaBroker(brokers, logger=None)
    chosen = {} if policy is None else {"ack_policy": policy}

    async def work() -> None:
        async with asyncpg.create_pool(_plain(database_url), min_size=1) as pool:

            async def handle(_bodies: list[Any], message: KafkaMessage) -> None:
                rows = [_row(raw) for raw in message.raw_message]
                await pool.execute(_INSERT, [r[0] for r in rows], [r[1] for r in rows])

            broker.subscriber(
                topic,
                batch=True,
                max_records=BATCH,
                group_id=group,
                auto_offset_reset="earliest",
                **chosen,
            )(handle)
            async with broker:
                await broker.start()
                await asyncio.Event().wait()

    await _until_asked(work())


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def _until_asked(work: Awaitable[None]) -> None:
    """Work until SIGTERM."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


KINDS: dict[str, Start] = {
    "ours": ours,
    "aiokafka-by-hand": aiokafka_by_hand,
    "aiokafka-by-default": aiokafka_by_default,
    "faststream-by-default": faststream_by_default,
    "faststream-acknowledged": faststream_acknowledged,
}

if __name__ == "__main__":
    import uvloop

    kind, where, topic_name, database, member_of = sys.argv[1:]
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    uvloop.run(KINDS[kind](where, topic_name, database, member_of))
