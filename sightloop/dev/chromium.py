"""The browser of the end-to-end tests."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from sightloop.dev.cache import run_fetcher
from sightloop.dev.part import Available, FetchFailed, Missing

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Chromium:
    """The machine's Chromium, else the one Playwright keeps."""

    name = "chromium"

    def __init__(self, *, install_packages: bool = False) -> None:
        """`install_packages` lets `fetch` use the system's package manager, as CI does."""
        self._install_packages = install_packages or os.environ.get("CI") == "true"

    @property
    def executable(self) -> Path | None:
        """The program to give to Playwright as `executable_path`."""
        for name in _NAMES:
            if (found := shutil.which(name)) is not None:
                return Path(found)
        folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
        kept = Path(folder) if folder else Path.home() / ".cache" / "ms-playwright"
        builds = sorted(kept.glob("chromium-*/chrome-linux*/chrome"))
        return builds[-1] if builds else None

    def available(self) -> Available | Missing:
        """Whether a browser is here."""
        found = self.executable
        if found is None:
            return Missing("no Chromium on this machine: run `sightloop dev fetch`, or install it")
        return Available(str(found))

    def fetch(self) -> None:
        """Install a browser when there is none. Raises FetchFailed."""
        if self.executable is not None:
            return
        apt = shutil.which("apt-get")
        if self._install_packages and apt is not None and os.geteuid() == 0:
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            run_fetcher([apt, "update"], environment=quiet)
            run_fetcher([apt, "install", "-y", "chromium"], environment=quiet)
        elif importlib.util.find_spec("playwright") is not None:
            run_fetcher([sys.executable, "-m", "playwright", "install", "chromium"])
        else:
            raise FetchFailed("neither a package manager to use nor Playwright is here")
