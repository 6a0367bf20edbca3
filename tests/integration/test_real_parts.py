"""The real parts start, do their work, survive a kill, and end with their parent."""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sightloop.dev.part import PartFailed
from sightloop.dev.process import ServerProcess, accepts
from sightloop.dev.s3 import S3Server
from tests.support import parts

ROOT = Path(__file__).parents[2]
PARENT = """
import asyncio, json, sys
from pathlib import Path
from sightloop.dev.process import ServerProcess

server = ServerProcess("sleep", ["sleep", "600"], log=Path(sys.argv[1]), env={})
print(json.dumps({"pid": server.pid}), flush=True)
asyncio.run(asyncio.sleep(600))
"""


async def make_topic(bootstrap: str, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, value: bytes) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"key")
    finally:
        await producer.stop()


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=f"{topic}-g", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(120):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_record_goes_through_the_broker(kafka: str) -> None:
    await make_topic(kafka, "round-trip")
    await produce(kafka, "round-trip", b"there")
    assert await consume(kafka, "round-trip", 1) == [b"there"]


@pytest.mark.kafka
@pytest.mark.slow
def test_an_acknowledged_record_survives_a_kill_of_the_broker() -> None:
    with parts.running_kafka() as broker:
        parts.run_now(make_topic(broker.bootstrap_servers, "kept"))
        parts.run_now(produce(broker.bootstrap_servers, "kept", b"before"))
        parts.run_now(broker.kill())
        parts.run_now(broker.restart())
        parts.run_now(produce(broker.bootstrap_servers, "kept", b"after"))
        found = parts.run_now(consume(broker.bootstrap_servers, "kept", 2))
    assert found == [b"before", b"after"]


@pytest.mark.s3
def test_the_s3_server_keeps_its_objects_keys_and_port_over_a_kill() -> None:
    from minio import Minio

    with parts.running_s3() as server:
        address = server.endpoint
        parts.run_now(server.kill())
        parts.run_now(server.restart())
        assert server.endpoint == address
        client = Minio(
            address.removeprefix("http://"), server.access_key, server.secret_key, secure=False
        )
        assert client.bucket_exists(bucket_name=server.bucket)
        client._http.clear()


@pytest.mark.s3
def test_the_s3_server_refuses_a_stranger(s3: S3Server) -> None:
    assert httpx.get(f"{s3.endpoint}/{s3.bucket}").status_code == 403


async def test_a_part_dies_with_its_killed_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path / "log")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = json.loads(await parent.stdout.readline())["pid"]
    ran = await command_becomes(child, lambda command: command.startswith(b"sleep"))
    parent.kill()
    await parent.wait()
    assert ran
    assert await command_becomes(child, lambda command: command == b"")


async def test_a_part_that_ends_early_shows_the_end_of_its_log(tmp_path: Path) -> None:
    script = ["sh", "-c", "echo the disk is on fire; exit 3"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        port = taken.getsockname()[1]
        process = ServerProcess(
            "server", script, log=tmp_path / "log", env={"PATH": "/usr/bin:/bin"}
        )
        with pytest.raises(PartFailed, match="server ended with 3: the disk is on fire"):
            await process.until_ready(lambda: accepts(port), seconds=120)


async def command_becomes(pid: int, wanted: Callable[[bytes], bool]) -> bool:
    """Whether the command line is as wanted within 60 s; it is empty in the midst of an exec."""
    deadline = time.monotonic() + 60
    while not wanted(command_of(pid)):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def command_of(pid: int) -> bytes:
    """Empty when the process has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
