"""Runs: cancelled, killed, taken up again, given up, stopped; told once, whatever happens."""

import os
import signal
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from libs.schemas.events import ExperimentFinished, ExperimentStatus
from libs.store.session import open_database
from libs.store.tables import job as job_table
from services.trainer.parts import Trainer
from services.trainer.tables import experiment as experiment_table
from services.trainer.tables import run as run_table
from tests.component import trainer_world as world
from tests.component.trainer_world import API
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
LONG = {"recipe": "patient", "steps": 10_000, "pause": 0.05}


@pytest.fixture(autouse=True)
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.install_recipe(tmp_path / "plug-in", monkeypatch)
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("SIGHTLOOP_TRAINER_FOLDER", str(tmp_path / "work"))


async def _training(running: RunningServices, **parameters: object) -> str:
    """An experiment whose training has begun."""
    dataset = await world.add_dataset(running)
    made = await world.add_experiment(running, dataset, parameters=LONG | parameters)
    await eventually(lambda: world.get(running, made["id"]), lambda e: e["done"] > 0)
    return str(made["id"])


def _processes(experiment: str) -> list[int]:
    """The training processes of an experiment that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"services.trainer.workers.run" in line and experiment.encode() in line:
                found.append(int(entry.name))
    return found


async def _runs(running: RunningServices, experiment: str) -> list[str]:
    async with running.parts(Trainer).database.read() as read:
        rows = await read.all(
            select(run_table.c.state)
            .where(run_table.c.experiment == UUID(experiment))
            .order_by(run_table.c.attempt)
        )
    return [row["state"] for row in rows]


async def test_a_running_experiment_is_cancelled_and_its_process_is_gone(
    service_runner: Run, tmp_path: Path
) -> None:
    async with service_runner("trainer") as running:
        experiment = await _training(running)
        (process,) = _processes(experiment)
        assert os.getpgid(process) == process, "a group of its own"
        assert os.getpriority(os.PRIO_PROCESS, process) >= 10
        answer = await running.http.post(f"{API}/experiments/{experiment}/cancel")
        assert answer.status_code == 202
        ended = await world.ended(running, experiment)
        assert ended["status"] == "CANCELED"
        assert _processes(experiment) == []
        (finished,) = await running.wait_for(ExperimentFinished)
        assert finished.status is ExperimentStatus.CANCELED
        again = await running.http.post(f"{API}/experiments/{experiment}/cancel")
        assert again.json()["status"] == "CANCELED"
        assert await _runs(running, experiment) == ["CANCELED"]
        assert list((tmp_path / "work").iterdir()) == []


async def test_a_recipe_that_does_not_listen_is_killed(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        experiment = await _training(running, deaf=True)
        await running.http.post(f"{API}/experiments/{experiment}/cancel")
        assert (await world.ended(running, experiment))["status"] == "CANCELED"
        assert _processes(experiment) == []


async def test_what_a_recipe_leaves_behind_does_not_outlive_its_run(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        made = await world.add_experiment(
            running, dataset, parameters={"recipe": "patient", "leaves": True, "pause": 0.2}
        )
        ended = await world.ended(running, made["id"])
        assert ended["status"] == "SUCCESS"
        assert _processes(made["id"]) == []


async def test_a_waiting_experiment_is_cancelled_at_once(service_runner: Run) -> None:
    async with service_runner("trainer") as running:
        first = await _training(running)
        dataset = await world.add_dataset(running)
        second = await world.add_experiment(running, dataset, parameters=LONG)
        answer = await running.http.post(f"{API}/experiments/{second['id']}/cancel")
        assert answer.json()["status"] == "CANCELED"
        third = await world.add_experiment(running, dataset, parameters=LONG)
        listed = (await running.http.get(f"{API}/jobs")).json()["items"]
        assert listed[0]["state"] == "QUEUED"
        await running.http.post(f"{API}/jobs/{listed[0]['id']}/cancel")
        assert (await world.ended(running, third["id"]))["status"] == "CANCELED"
        assert (await world.get(running, first))["status"] == "RUNNING"
        assert len(await running.wait_for(ExperimentFinished, 2)) == 2


async def test_a_killed_training_is_made_again(service_runner: Run, tmp_path: Path) -> None:
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        marker = tmp_path / "died"
        made = await world.add_experiment(
            running, dataset, parameters={"recipe": "patient", "dies_until": str(marker)}
        )
        ended = await world.ended(running, made["id"])
        assert (ended["status"], ended["attempt"]) == ("SUCCESS", 2)
        assert await _runs(running, made["id"]) == ["LOST", "SUCCESS"]
        texts = await world.log_of(running, made["id"])
        assert any("killed by signal 9" in text for text in texts)
        assert "attempt 2" in texts
        await running.wait_for(ExperimentFinished)
        assert len(running.emitted(ExperimentFinished)) == 1


async def test_a_training_that_is_killed_again_and_again_is_given_up(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_TRAINER_ATTEMPTS", "2")
    async with service_runner("trainer") as running:
        experiment = await _training(running)
        for attempt in (1, 2):
            await eventually(
                lambda: world.get(running, experiment),
                lambda e: e["attempt"] == attempt and e["done"] > 0,  # noqa: B023
            )
            (process,) = _processes(experiment)
            os.kill(process, signal.SIGKILL)
        ended = await world.ended(running, experiment)
        assert ended["status"] == "FAILED"
        assert ended["error"].startswith("Given up: 2 attempts were lost")
        assert await _runs(running, experiment) == ["LOST", "FAILED"]


async def test_a_lost_lease_ends_the_run_and_the_experiment_is_taken_up_again(
    service_runner: Run,
) -> None:
    async with service_runner("trainer") as running:
        experiment = await _training(running)
        (process,) = _processes(experiment)
        database = running.parts(Trainer).database
        expired = running.context.clock.now() - timedelta(seconds=1)
        async with database.begin() as tx:
            await tx.execute(
                update(job_table)
                .where(job_table.c.key == experiment)
                .values(holder=uuid4(), lease_until=expired)
            )
        again = await eventually(
            lambda: world.get(running, experiment),
            lambda e: e["attempt"] == 2 and e["done"] > 0,
        )
        assert again["status"] == "RUNNING"
        assert process not in _processes(experiment)
        assert len(_processes(experiment)) == 1
        await running.http.post(f"{API}/experiments/{experiment}/cancel")
        assert (await world.ended(running, experiment))["status"] == "CANCELED"


async def test_a_training_longer_than_its_limit_is_stopped(
    service_runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_TRAINER_TIME_LIMIT", "2")
    async with service_runner("trainer") as running:
        dataset = await world.add_dataset(running)
        experiment = (await world.add_experiment(running, dataset, parameters=LONG))["id"]
        ended = await world.ended(running, experiment)
        assert ended["status"] == "FAILED"
        assert ended["error"] == "Stopped: longer than its limit of 2 s."
        assert _processes(experiment) == []


async def test_a_stopped_service_puts_its_training_back_and_leaves_no_process(
    service_runner: Run, tmp_path: Path
) -> None:
    async with service_runner("trainer") as running:
        experiment = await _training(running)
        address = running.parts(Trainer).database.engine.url
        clock = running.context.clock
    assert _processes(experiment) == []
    assert list((tmp_path / "work").iterdir()) == []
    url = address.render_as_string(hide_password=False)
    database = open_database("trainer", url, clock=clock, pool=1)
    try:
        async with database.read() as read:
            assert await read.scalar(select(run_table.c.state)) == "STOPPED"
            assert await read.scalar(select(job_table.c.state)) == "QUEUED"
            assert await read.scalar(select(experiment_table.c.status)) == "RUNNING"
    finally:
        await database.close()
