"""`sightloop demo`: starts everything in one process, plays the story, leaves it running."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from sightloop.demo.api import Api
from sightloop.demo.filling import stages_of
from sightloop.demo.history import History
from sightloop.demo.play import Amounts, Play, Stage, perform
from sightloop.demo.story import STAGES
from sightloop.demo.world import BadWorld, CocoFolder, Digits, World

DAYS = 90.0
_READY_SECONDS = 60.0


class DemoFailed(Exception):
    """A stage did not happen, or the platform did not start."""


def demo(
    *,
    data: Path,
    port: int,
    images: Path | None,
    annotations: Path | None,
    report: Path | None,
    leave: bool,
    go_on: bool,
    amounts: Amounts,
    fill: int | None = None,
) -> None:
    """Play the story. `leave`: end when it has been played; `go_on`: keep the data of last time
    and leave the dashboard on it, without playing again. `fill`: instead of the story, write so
    many predictions of the last months.

    Raises:
        DemoFailed: with the stage that did not happen.
        BadWorld: the given pictures cannot be used.
    """
    console = Console()
    if fill is not None and images is not None:
        raise BadWorld("--fill writes a history of its own, not of your pictures")
    world = _world(images, annotations)
    if not go_on:
        _forget(data)
    started = time.monotonic()
    with _platform(data, port) as (process, ready):
        console.print(f"Sightloop runs at [bold]{ready['url']}[/bold]\n")
        stages: list[dict[str, Any]] = []
        if not go_on:
            api = Api(ready["url"], ready["token"])
            try:
                play = Play(api, world, amounts, console)
                stages = perform(play, STAGES if fill is None else _filling(fill))
            finally:
                api.close()
        result = {
            "world": world.name,
            "amounts": asdict(amounts),
            "seconds": round(time.monotonic() - started, 1),
            "stages": stages,
        }
        if report is not None:
            report.write_text(json.dumps(result, indent=1) + "\n")
        missed = [stage["stage"] for stage in stages if not stage["happened"]]
        if missed:
            raise DemoFailed(f"a stage did not happen: {missed[0].strip()}: {stages[-1]['why']}")
        if fill is None:
            _tell(console, stages)
        elif stages:
            _tell_history(console, stages[-1]["observed"])
        if not leave:
            console.print(
                f"\nDashboard  {ready['url']}\nToken      {ready['token']}\n", soft_wrap=True
            )
            console.print("It stays until Ctrl C.")
            process.wait()


def _filling(count: int) -> list[tuple[str, Stage]]:
    return stages_of(History(count, end=time.time(), days=DAYS))


def _tell_history(console: Console, observed: dict[str, Any]) -> None:
    known = observed["known"]
    first = observed["alarm_first"]
    for what, at in (
        ("history begins", known["start"]),
        (f"{len(known['outliers'])} strange pictures, from", min(known["outliers"], default=None)),
        ("another camera", known["drift"]),
        ("drift alarm rings", first),
        (f"label {known['frequent']} becomes frequent", known["labels"]),
        ("history ends", known["end"]),
    ):
        when = "never" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
        console.print(f"{what:36} {when}")


def _world(images: Path | None, annotations: Path | None) -> World:
    if (images is None) != (annotations is None):
        raise BadWorld("--images and --annotations belong together")
    if images is None or annotations is None:
        return Digits()
    return CocoFolder(images, annotations)


def _forget(data: Path) -> None:
    """Start afresh: remove what the last demo left, and nothing else."""
    marker = data / "sightloop-demo"
    if data.exists() and any(data.iterdir()) and not marker.exists():
        raise DemoFailed(f"{data} is not a folder of this demo; it is left alone")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    marker.touch()


@contextmanager
def _platform(data: Path, port: int) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, str]]]:
    """`sightloop up` in a process of its own, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="sightloop-") as folder:
        ready = Path(folder) / "ready.json"
        command = [
            sys.executable, "-P", "-m", "sightloop", "up", "--quiet", "--data", str(data),
            "--port", str(port), "--ready-file", str(ready),
        ]  # fmt: skip
        # However we are ended, it ends with us. Its own group: Ctrl C reaches it through us, once.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        process = subprocess.Popen(command, process_group=0, env=os.environ | _paths())
        try:
            _wait_for(ready, process)
            yield process, json.loads(ready.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _paths() -> dict[str, str]:
    """The child finds the same `sightloop` as we do."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


def _wait_for(ready: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready.exists():
        if process.poll() is not None:
            raise DemoFailed("the platform did not start; its last line says why")
        if time.monotonic() > deadline:
            raise DemoFailed(f"the platform was not ready within {_READY_SECONDS:.0f} s")
        time.sleep(0.05)


def _tell(console: Console, stages: list[dict[str, Any]]) -> None:
    if not stages:
        return
    observed = stages[-1]["observed"]
    before, after = observed["before"]["map_50"], observed["after"]["map_50"]
    console.print(
        f"\nmAP50 on {observed['held_back']} held-back pictures of the new camera: "
        f"before [bold]{before:.2f}[/bold], after [bold]{after:.2f}[/bold]. "
        "Part of the loss is calibration; strong colour jitter in training would have "
        "prevented some of it."
    )
