"""What a stage of the demo has in hand, and what became of it."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from sightloop.demo.api import Api, DidNotHappen
from sightloop.demo.world import Shot, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much of everything."""

    champion_steps: int = 800
    retraining_steps: int = 300
    clean: int = 130
    changed: int = 150
    reviews: int = 40
    shadowed: int = 90
    held_back: int = 60
    input_size: tuple[int, int] | None = None


DIGITS = Amounts()
# Photographs are learnt in fewer steps than small digits of ten kinds.
OWN_PICTURES = Amounts(champion_steps=500)


@dataclass(slots=True)
class Play:
    """The stage's hands: the API, the pictures, the bars; `ids` is what was made so far.

    `shown`: the truth of each logged prediction, which plays the reviewer.
    """

    api: Api
    world: World
    amounts: Amounts
    console: Console
    ids: dict[str, str] = field(default_factory=dict)
    shown: dict[str, Shot] = field(default_factory=dict)
    next_shot: int = 0
    _progress: Progress | None = None

    def bar(self, what: str, total: float | None) -> "Bar":
        assert self._progress is not None
        return Bar(self._progress, what, total)

    def track(self, items: Iterable[T], what: str, total: int) -> Iterator[T]:
        """The items, with a bar."""
        bar = self.bar(what, total)
        for number, item in enumerate(items, start=1):
            yield item
            bar.to(number)

    @contextmanager
    def on_stage(self, name: str) -> Iterator[None]:
        """Show the stage's bars while it plays."""
        self.console.print(f"[bold]{name}[/bold]")
        with Progress(
            SpinnerColumn(), TextColumn("{task.description:44}"), BarColumn(bar_width=28),
            MofNCompleteColumn(), Elapsed(), console=self.console,
        ) as self._progress:  # fmt: skip
            yield
        self._progress = None


class Bar:
    """One line of progress; its words may change."""

    def __init__(self, progress: Progress, what: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)

    def to(self, done: float, *, total: float | None = None, what: str | None = None) -> None:
        if total is not None:
            self._progress.update(self._task, total=total)
        if what is not None:
            self._progress.update(self._task, description=what)
        self._progress.update(self._task, completed=done)


Stage = Callable[[Play], dict[str, Any]]


def perform(play: Play, stages: list[tuple[str, Stage]]) -> list[dict[str, Any]]:
    """Play the stages in order until one does not happen; what was observed in each."""
    report = []
    for name, stage in stages:
        started = time.monotonic()
        entry: dict[str, Any] = {"stage": name, "happened": True, "observed": {}}
        try:
            with play.on_stage(name):
                entry["observed"] = stage(play)
        except DidNotHappen as error:
            entry |= {"happened": False, "why": str(error)}
            play.console.print(f"[red]did not happen:[/red] {error}")
        entry["seconds"] = round(time.monotonic() - started, 2)
        report.append(entry)
        if not entry["happened"]:
            break
    return report
