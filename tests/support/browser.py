"""Chromium, and what a page must never do: throw, break its policy, ask for what fails."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    expect,
    sync_playwright,
)

from sightloop.dev.chromium import Chromium
from sightloop.dev.part import Missing

_ROOT = Path(__file__).parents[2]
_MILLISECONDS = 60_000
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
]  # fmt: skip
# Chromium says it of every answer from 400 on; the answers themselves are looked at.
_OF_AN_ANSWER = "Failed to load resource"


@dataclass
class Watched:
    """A page and its faults; `with` it and they fail the test. `allowed`: statuses it provokes."""

    page: Page
    allowed: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", self._on_response)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _t: TracebackType | None,
    ) -> None:
        if kind is None:
            assert self.faults == []

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_OF_AN_ANSWER):
            self.faults.append(message.text)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def picture(self, name: str) -> None:
        """A screenshot among the artefacts."""
        self.page.screenshot(path=_ROOT / "artefacts" / "browser" / f"{name}.png")


@contextlib.contextmanager
def browsing(url: str) -> Iterator[BrowserContext]:
    """A browser window at an address. Skips where there is no Chromium or no built interface."""
    found = Chromium()
    if isinstance(missing := found.available(), Missing):
        pytest.skip(missing.reason)
    if not (_ROOT / "web" / "dist" / "index.html").exists():
        pytest.skip("the interface is not built: run `make web`")
    expect.set_options(timeout=_MILLISECONDS)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found.executable, args=_ARGUMENTS)
        context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
        context.set_default_timeout(_MILLISECONDS)
        yield context
        context.close()
        browser.close()
