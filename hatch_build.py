"""What goes into the wheel: services, libs and the built interface, under one name."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tree(BuildHookInterface[Any]):
    """Puts the tree into `sightloop/_tree`; an editable install uses the folders where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        web = Path(self.root) / "web" / "dist"
        if not (web / "index.html").exists():
            raise FileNotFoundError(f"{web} is not built: run `make web` before making a wheel")
        for folder in ("libs", "services", "web/dist"):
            build_data["force_include"][folder] = f"sightloop/_tree/{folder}"
