"""The spool keeps order through anything: new starts, torn tails, broken records."""

import os
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sightloop_sdk.buffer import folders
from sightloop_sdk.buffer.spool import Spool, packed
from sightloop_sdk.ids import uuid7
from sightloop_sdk.record import Finished


def prediction(picture: bytes | None = None) -> Finished:
    named = uuid7()
    return Finished(named, msgspec.json.encode({"prediction_id": named}), picture)


def everything(spool: Spool) -> list[Finished | None]:
    found: list[Finished | None] = []
    while entries := spool.peek(3, 10**9):
        found += [entry.content for entry in entries]
        spool.settle(entries[-1].behind)
    return found


def test_what_is_appended_comes_out_in_order_after_a_new_start(tmp_path: Path) -> None:
    sent = [prediction(os.urandom(n) if n % 2 else None) for n in range(20)]
    spool = Spool(tmp_path, segment_bytes=300)
    for one in sent:
        spool.append([packed(one)])
    assert len(list(tmp_path.glob("*.seg"))) > 3
    again = Spool(tmp_path)
    assert everything(again) == sent
    assert again.empty


def test_a_torn_tail_is_found_and_what_was_before_is_kept(tmp_path: Path) -> None:
    sent = [prediction(b"x" * 50) for _ in range(3)]
    Spool(tmp_path).append([packed(one) for one in sent])
    (segment,) = tmp_path.glob("*.seg")
    for cut in (1, 30, len(packed(sent[2])) - 5):
        torn = tmp_path / str(cut)
        torn.mkdir()
        (torn / segment.name).write_bytes(segment.read_bytes()[:-cut])
        assert everything(Spool(torn)) == [*sent[:2], None]


def test_a_broken_record_costs_only_itself(tmp_path: Path) -> None:
    sent = [prediction(b"x" * 50) for _ in range(3)]
    Spool(tmp_path).append([packed(one) for one in sent])
    (segment,) = tmp_path.glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[len(packed(sent[0])) + 40] ^= 1
    segment.write_bytes(content)
    assert everything(Spool(tmp_path)) == [sent[0], None, sent[2]]


def test_a_spool_that_is_sent_takes_no_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for _ in range(3):
        spool.append([packed(prediction(b"x" * 1000))])
        assert len(everything(spool)) == 1
    assert spool.size == 0
    assert sum(path.stat().st_size for path in tmp_path.glob("*.seg")) < 2000


def test_a_full_disk_loses_what_came_then_and_nothing_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    kept, lost, later = prediction(), prediction(), prediction()
    spool.append([packed(kept)])
    real = os.pwrite

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        real(descriptor, data[:5], offset)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        spool.append([packed(lost)])
    monkeypatch.setattr(os, "pwrite", real)
    spool.append([packed(later)])
    assert everything(spool) == [kept, later]


def test_a_folder_is_adopted_when_its_holder_has_gone_and_not_before(tmp_path: Path) -> None:
    held = folders.make(tmp_path)
    held.spool.append([packed(prediction())])
    assert list(folders.adopt(tmp_path)) == []
    held.forget()  # as the end of a process lets go of its descriptors
    (adopted,) = folders.adopt(tmp_path)
    assert list(folders.adopt(tmp_path)) == []
    assert len(everything(adopted.spool)) == 1
    adopted.leave()
    assert list(tmp_path.iterdir()) == []


class SpoolModel(RuleBasedStateMachine):
    """The spool against a deque: append, read in part, settle, end and start anew."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.spool = Spool(Path(self.folder.name), segment_bytes=400)
        self.model: deque[Finished] = deque()

    @rule(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5))
    def append(self, sizes: list[int]) -> None:
        some = [prediction(b"\xa7SL1" * (size // 4) or None) for size in sizes]
        self.spool.append([packed(one) for one in some])
        self.model.extend(some)

    @rule(count=st.integers(1, 6), size=st.integers(1, 900), keep=st.integers(0, 6))
    def read(self, count: int, size: int, keep: int) -> None:
        entries = self.spool.peek(count, size)
        assert [e.content for e in entries] == list(self.model)[: len(entries)]
        assert bool(entries) == bool(self.model)
        settled = entries[:keep]
        if settled:
            self.spool.settle(settled[-1].behind)
            for _ in settled:
                self.model.popleft()

    @precondition(lambda self: not self.model)
    @rule()
    def start_anew(self) -> None:
        # With records left a new start tells the settled ones of a segment again: see below.
        self.spool.close()
        self.spool.remove()
        self.spool = Spool(Path(self.folder.name), segment_bytes=400)

    @rule()
    def start_anew_and_repeat_at_most_a_segment(self) -> None:
        self.spool.close()
        self.spool = Spool(Path(self.folder.name), segment_bytes=400)
        again = [entry.content for entry in self.spool.peek(10_000, 10**9)]
        told = [one for one in again if one is not None]
        assert None not in again
        assert told[len(told) - len(self.model) :] == list(self.model)
        self.model = deque(told)

    @invariant()
    def it_is_empty_when_all_is_settled(self) -> None:
        assert self.spool.empty == (not self.model)

    def teardown(self) -> None:
        self.spool.close()
        self.folder.cleanup()


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
