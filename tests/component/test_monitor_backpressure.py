"""A part that is away or full: 503 with Retry-After for what needs it, nothing half there."""

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from libs.api.limits import BodyLimits
from libs.bus.coalescing import Coalescer
from libs.bus.driver import Begin
from libs.bus.postgres import open_postgres
from libs.schemas.envelope import decode
from libs.schemas.events import PredictionLogged
from libs.schemas.topics import PREDICTIONS, TOPICS
from libs.store.clock import SystemClock
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.component.test_ingest_monitor import png
from tests.support.door import Answer, Door, open_door
from tests.support.parts import scratch_folder
from tests.unit.test_monitor_front import good

NO_S3 = "s3://key:secretsecret@127.0.0.1:9/bucket"


def pictured() -> bytes:
    return good(image=base64.b64encode(png()).decode(), width=64, height=48)


def is_refused(answer: Answer) -> bool:
    return answer.status == 503 and answer.headers.get("retry-after", "").isdigit()


async def test_without_the_blob_store_only_predictions_with_a_picture_are_refused(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path, blobs_url=NO_S3) as door:
        path = door.prediction_path(await door.deploy())
        assert is_refused(await door.post(path, pictured()))
        assert (await door.post(path, good())).status == 201
        assert (await door.post(path, good(image="x", sample=False))).status == 201
        lines = await door.post(path + "/batch", b"\n".join([good(), pictured(), good()]))
        told = [json.loads(line)["status"] for line in lines.body.splitlines()]
        assert told == [201, 503, 201]
        assert len(door.logged()) == 4
        assert all(event.data.logged.picture is None for event in door.logged())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount") or "mount"
    command = [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs rights that we do not have")
    try:
        yield disk
    finally:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(disk)], check=True)


async def test_on_a_full_disk_only_predictions_with_a_picture_are_refused(
    tmp_path: Path, small_disk: Path
) -> None:
    async with open_door(tmp_path, blobs_url=f"file://{small_disk}") as door:
        path = door.prediction_path(await door.deploy())
        (small_disk / "full").write_bytes(bytes(200_000))
        with (small_disk / "fuller").open("wb", buffering=0) as rest, suppress(OSError):
            while True:
                rest.write(bytes(4096))
        assert is_refused(await door.post(path, pictured()))
        assert (await door.post(path, good())).status == 201
        (small_disk / "full").unlink()
        assert (await door.post(path, pictured())).status == 201
        assert len(door.logged()) == 2


async def test_without_the_database_predictions_are_accepted_and_late_shadows_refused(
    tmp_path: Path,
) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy(shadow=True))
        assert (await door.post(path, good())).status == 201
        answer = {
            "detection_classes": [1],
            "detection_scores": [0.5],
            "detection_boxes": [[1, 2, 3, 4]],
        }
        shadow = json.dumps({"latency": 0.1, "prediction": answer}).encode()
        late = await door.post(f"{path}/00000000-0000-7000-8000-000000000000/shadow", shadow)
        assert late.status == 503


async def test_while_the_log_is_away_callers_are_told_and_afterwards_numbers_have_no_gap() -> None:
    with scratch_folder("away") as folder:
        async with EmbeddedPostgres(folder / "pg", durable=False) as postgres:
            await postgres.create_database("bus")
            async with (
                open_postgres(postgres.dsn("bus"), clock=SystemClock()) as bus,
                open_door(folder, sink=bus.sink) as door,
            ):
                await bus.ensure(TOPICS)
                path = door.prediction_path(await door.deploy())
                assert (await door.post(path, good())).status == 201
                await postgres.stop()
                refused = await asyncio.gather(*(door.post(path, good()) for _ in range(20)))
                assert all(map(is_refused, refused))
                await postgres.start()
                await accepted_again(door, path)
                assert (await door.post(path, good())).status == 201
                async with bus.reader([PREDICTIONS], begin=Begin.START) as reader:
                    records = await reader.fetch(limit=100, wait=30)
        numbers = defaultdict(list)
        for record in records:
            event = decode(record.message.headers, record.message.value).data
            assert isinstance(event, PredictionLogged)
            numbers[event.boot].append(event.sequence)
        assert len(numbers) == 2
        assert all(some == list(range(1, len(some) + 1)) for some in numbers.values())


async def accepted_again(door: Door, path: str) -> None:
    """Return when the log takes predictions; a pool may hold connections of before."""
    deadline = time.monotonic() + 60
    while True:
        answer = await door.post(path, good())
        if answer.status == 201:
            return
        assert is_refused(answer)
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_bodies_in_memory_are_bounded_for_the_whole_process(tmp_path: Path) -> None:
    limits = BodyLimits(in_hand=3000)
    async with open_door(tmp_path, limits=limits) as door:
        path = door.prediction_path(await door.deploy())
        door.sink.gate = asyncio.Event()
        raw = good()
        large = [raw[:100], raw[100:].rjust(2500)]
        held = asyncio.create_task(door.post(path, large, headers={"idempotency-key": "k" * 300}))
        assert (await held).status == 422, "its bytes are given back"
        slow = asyncio.create_task(
            door.post(path, [good(image="eA=="), b" " * 2500], app=door.router)
        )
        assert (await slow).status == 422
        routed = [
            asyncio.create_task(door.post(path, raw.rjust(2000), app=door.router)) for _ in range(4)
        ]
        await asyncio.wait(routed[1:])
        assert [is_refused(task.result()) for task in routed[1:]] == [True] * 3
        door.sink.gate.set()
        assert (await routed[0]).status == 201
        assert (await door.post(path, raw.rjust(2000), app=door.router)).status == 201


async def test_more_pictures_than_may_be_in_hand_are_told_to_come_again(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        path = door.prediction_path(await door.deploy())
        for _ in range(door.parts.settings.pictures_at_once):
            await door.parts.pictures.acquire()
        assert is_refused(await door.post(path, pictured()))
        assert (await door.post(path, good())).status == 201
        door.parts.pictures.release()
        assert (await door.post(path, pictured())).status == 201


async def test_desks_of_quiet_deployments_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.actions.publishing._DESKS", 2)
    async with open_door(tmp_path) as door:
        paths = [door.prediction_path(await door.deploy()) for _ in range(5)]
        for path in paths:
            assert (await door.post(path, good())).status == 201
        assert len(door.parts.desks) <= 2
        assert all(isinstance(desk, Coalescer) for desk in door.parts.desks.values())
        assert len(door.logged()) == 5
