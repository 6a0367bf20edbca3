"""The services by name, and every setting they read."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from libs.runtime.service import Build
from libs.runtime.settings import Platform, Settings
from libs.store.schema import Schema

SERVICES = (
    "gateway", "ingest", "metrics", "review", "feedback", "trainer", "deployer", "serving",
)  # fmt: skip


class UnknownService(Exception):
    """No service has this name."""


def build_of(name: str) -> Build:
    """The composition of a service, imported now."""
    build: Build = import_module(f"services.{_known(name)}.service").build
    return build


def schema_of(name: str) -> Schema | None:
    """The tables of a service; None where it has no store."""
    package = f"services.{_known(name)}"
    if find_spec(f"{package}.tables") is None:
        return None
    tables = import_module(f"{package}.tables")
    migrations = Path(str(tables.__file__)).parent / "migrations"
    return Schema(metadata=tables.metadata, migrations=migrations)


def settings_of(names: Iterable[str] = SERVICES) -> list[type[Settings]]:
    """The settings classes of the platform and of some services."""
    kinds: list[type[Settings]] = [Platform]
    for name in names:
        module = import_module(f"services.{_known(name)}.settings")
        kinds += [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Settings) and value is not Settings
        ]
    return kinds


def _known(name: str) -> str:
    if name not in SERVICES:
        raise UnknownService(f"there is no service {name}; there are {', '.join(SERVICES)}")
    return name
