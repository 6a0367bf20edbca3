"""The plan of a crash run: the same for the same seed, whole within its time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightloop.targets import SERVICES
from tests.crash.schedule import ALL, BROKER, POSTGRES, S3, SESSION, UP, Kind, Mode, plan

SEEDS = st.integers(0, 1_000_000)
MODES = st.sampled_from(Mode)
SECONDS = st.floats(10, 1_000)


@given(seed=SEEDS, mode=MODES, seconds=SECONDS)
def test_a_seed_replays_its_plan(seed: int, mode: Mode, seconds: float) -> None:
    assert plan(seed, mode, seconds) == plan(seed, mode, seconds)


@given(seed=SEEDS, mode=MODES, seconds=SECONDS)
def test_faults_come_in_order_while_there_is_load(seed: int, mode: Mode, seconds: float) -> None:
    faults = plan(seed, mode, seconds).faults
    assert faults
    times = [fault.at for fault in faults]
    assert times == sorted(times)
    assert all(0 < at < seconds for at in times)


@given(seed=SEEDS, mode=MODES)
def test_a_long_run_meets_every_sort_of_fault(seed: int, mode: Mode) -> None:
    faults = plan(seed, mode, 600).faults
    targets = {fault.target for fault in faults}
    if mode is Mode.EMBEDDED:
        assert targets == {UP, POSTGRES, SESSION}
    else:
        assert targets == {*SERVICES, ALL, BROKER, POSTGRES, SESSION, S3}
        assert {fault.kind for fault in faults} == set(Kind)


@given(seed=SEEDS)
def test_what_is_frozen_outlasts_the_session_of_its_groups(seed: int) -> None:
    frozen = [f for f in plan(seed, Mode.SPLIT, 600).faults if f.kind is Kind.FREEZE]
    assert all(fault.seconds > 10 for fault in frozen)


@pytest.mark.parametrize("mode", Mode)
def test_a_calm_plan_has_load_alone(mode: Mode) -> None:
    calm = plan(1, mode, 600, calm=True)
    assert calm.faults == ()
    assert max(calm.factor(second) for second in range(600)) > 1
    assert list(calm.lines()) == [f"seed 1, {mode}, 600 s of load"]


def test_the_plan_is_printed_a_line_each() -> None:
    planned = plan(7, Mode.SPLIT, 60)
    assert len(list(planned.lines())) == len(planned.faults) + 1
