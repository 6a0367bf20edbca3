"""A progress bar for bulk work, where it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightloop_sdk.errors import MissingExtra

if TYPE_CHECKING:
    from typing_extensions import Self


class Progress:
    """A bar of `total` steps (None: not known). Not shown, it does nothing.

    Raises:
        MissingExtra: it is to be shown, and rich is not installed.
    """

    def __init__(self, what: str, total: int | None, *, shown: bool) -> None:
        self._bar: Any = None
        self._task: Any = None
        if shown:
            try:
                from rich import progress as rich_progress  # noqa: PLC0415  # an extra
            except ImportError as error:
                raise MissingExtra(
                    "a progress bar needs rich: pip install 'sightloop-sdk[progress]'"
                ) from error
            self._bar = rich_progress.Progress(
                rich_progress.TextColumn("{task.description}"),
                rich_progress.BarColumn(),
                rich_progress.MofNCompleteColumn(),
                rich_progress.TimeElapsedColumn(),
                rich_progress.TimeRemainingColumn(),
            )
            self._task = self._bar.add_task(what, total=total)

    def forward(self, steps: int = 1) -> None:
        """Some steps are done."""
        if self._bar is not None:
            self._bar.advance(self._task, steps)

    def to(self, done: int, total: int | None) -> None:
        """So many of so many are done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total or None)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
