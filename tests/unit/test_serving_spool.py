"""The log spool: what was appended survives; what is half is cut off; a full one says so."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.serving.core.frames import HEAD_SIZE, frame, scan, unframe
from services.serving.errors import SpoolDamaged, SpoolFull, SpoolUnavailable
from services.serving.store.segments import Waiting
from services.serving.store.spool import Spool

ROOT = Path(__file__).parents[2]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Spool]:
    spool = spool_in(tmp_path)
    yield spool
    spool.close()


def spool_in(folder: Path, *, limit: int = 2**20, segment: int = 2**14) -> Spool:
    spool = Spool(folder, owner="test", limit=limit, segment=segment)
    spool.open()
    return spool


def reopened(spool: Spool, folder: Path) -> Spool:
    spool.close()
    return spool_in(folder)


async def all_of(spool: Spool) -> list[bytes]:
    return [w.payload for w in await spool.peek(count=10_000, size=2**30)]


def files(folder: Path) -> list[Path]:
    return sorted((folder / "test-0").glob("*.log"))


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5), st.data())
def test_every_tail_of_a_file_is_read_up_to_its_last_whole_record(
    payloads: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(map(frame, payloads))
    cut = data.draw(st.integers(0, len(whole)))
    ends = [0]
    for payload in payloads:
        ends.append(ends[-1] + HEAD_SIZE + len(payload))
    good = max(end for end in ends if end <= cut)
    found = scan(whole[:cut])
    assert (found.good, found.count) == (good, ends.index(good))
    assert found.torn


def test_zeros_are_no_records() -> None:
    found = scan(frame(b"a") + bytes(4096))
    assert (found.good, found.count, found.torn) == (HEAD_SIZE + 1, 1, False)
    assert unframe(bytes(64)) is None
    with pytest.raises(ValueError, match="empty"):
        frame(b"")


async def test_records_come_back_in_order_over_a_restart_and_only_once(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    sent = [bytes([n]) * 3000 for n in range(1, 21)]
    await asyncio.gather(*map(spool.append, sent))
    first = await spool.peek(count=7, size=2**20)
    assert [w.payload for w in first] == sent[:7]
    spool.done(first[-1].end)
    spool = reopened(spool, tmp_path)
    assert await all_of(spool) == sent[7:]
    await spool.append(b"later")
    assert await all_of(spool) == [*sent[7:], b"later"]
    spool.close()


async def test_a_page_ends_at_its_size_but_has_at_least_one_record(opened: Spool) -> None:
    for size in (5000, 10, 10):
        await opened.append(b"x" * size)
    assert [len(w.payload) for w in await opened.peek(count=9, size=100)] == [5000]
    assert [len(w.payload) for w in await opened.peek(count=2, size=9999)] == [5000, 10]


async def test_files_go_as_soon_as_all_in_them_is_sent(opened: Spool, tmp_path: Path) -> None:
    for _ in range(12):
        await opened.append(b"x" * 4000)
    assert len(files(tmp_path)) == 3
    waiting = await opened.peek(count=5, size=2**20)
    opened.done(waiting[-1].end)
    assert len(files(tmp_path)) == 2
    rest: list[Waiting] = await opened.peek(count=99, size=2**20)
    assert len(rest) == 7
    opened.done(rest[-1].end)
    assert files(tmp_path) == []
    assert opened.size == 0
    await opened.append(b"next")
    assert await all_of(opened) == [b"next"]


async def test_a_torn_tail_is_cut_off_and_writing_goes_on(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    await spool.append(b"whole")
    spool.close()
    (path,) = files(tmp_path)
    with path.open("ab") as file:
        file.write(frame(b"half of a record")[:-4])
    spool = spool_in(tmp_path)
    assert await all_of(spool) == [b"whole"]
    await spool.append(b"more")
    assert await all_of(spool) == [b"whole", b"more"]
    assert not list((tmp_path / "test-0").glob("*.damaged"))
    spool.close()


async def test_a_damaged_record_and_what_follows_it_are_put_aside(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    for payload in (b"first", b"second", b"third"):
        await spool.append(payload)
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(b"second")] ^= 1
    path.write_bytes(content)
    with pytest.raises(SpoolDamaged):
        await all_of(spool)
    spool = reopened(spool, tmp_path)
    assert await all_of(spool) == [b"first"]
    (aside,) = (tmp_path / "test-0").glob("*.damaged")
    assert b"third" in aside.read_bytes()
    spool.close()


async def test_a_place_left_by_a_crash_never_points_into_a_later_file(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    for _ in range(3):
        await spool.append(b"x" * 100)
        spool.done((await spool.peek(count=1, size=999))[-1].end)
        spool = reopened(spool, tmp_path)
    await spool.append(b"y" * 1000)
    spool = reopened(spool, tmp_path)
    assert await all_of(spool) == [b"y" * 1000]
    spool.close()


async def test_a_full_spool_refuses_and_has_room_again_when_something_is_sent(
    tmp_path: Path,
) -> None:
    spool = spool_in(tmp_path, limit=10_000)
    for _ in range(3):
        await spool.append(b"x" * 4000)
    with pytest.raises(SpoolFull, match="wait for ingest"):
        spool.check_room()
    with pytest.raises(SpoolFull):
        await spool.append(b"y")
    spool.done((await spool.peek(count=1, size=1))[-1].end)
    await spool.append(b"y")
    spool.close()


async def test_a_disk_that_refuses_leaves_no_half_record(
    opened: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened.append(b"before")
    write = os.write

    def broken(descriptor: int, data: bytes) -> int:
        write(descriptor, bytes(data)[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", broken)
        with pytest.raises(SpoolUnavailable, match="No space left"):
            await opened.append(b"lost")
    await opened.append(b"after")
    assert await all_of(opened) == [b"before", b"after"]


async def test_processes_that_share_a_folder_have_spools_of_their_own(tmp_path: Path) -> None:
    first, second = spool_in(tmp_path), spool_in(tmp_path)
    await first.append(b"of the first")
    assert await all_of(second) == []
    second.close()
    first = reopened(first, tmp_path)
    assert await all_of(first) == [b"of the first"]
    first.close()


async def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from services.serving.store.spool import Spool

async def main():
    spool = Spool(Path(sys.argv[1]), owner="test", limit=2**30, segment=2**16)
    spool.open()
    async def write(start):
        for number in range(start, 10**9, 4):
            await spool.append(str(number).encode() + b" " * 500)
            print(number, flush=True)
    await asyncio.gather(*map(write, range(4)))

asyncio.run(main())
"""
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(300)]
    os.kill(process.pid, signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().splitlines() if line.strip()]
    process.stdout.close()
    process.wait()
    spool = spool_in(tmp_path, limit=2**30)
    kept = {int(payload) for payload in await all_of(spool)}
    assert set(told[:-1]) <= kept
    spool.close()
