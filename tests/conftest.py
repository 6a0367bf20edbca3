"""Fixtures every tier may use. Each costs nothing until a test asks for it."""

import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from xdist.remote import Producer

from libs.store.clock import SystemClock
from sightloop.dev.s3 import S3Server
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.keys import Keys, make_keys
from tests.support import parts
from tests.support.databases import Databases
from tests.support.platform import Platform, embedded, split
from tests.support.services import Run, RunningServices, running_services
from tests.support.sharing import Sharing, is_long

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# A red run means a change, never another draw; `--hypothesis-profile new` draws anew.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None)
settings.load_profile("same")
TOKEN = "the bootstrap token of the platforms under test"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres-bin",
        type=Path,
        help="folder of another PostgreSQL's programs than the wheel's, such as Debian's",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not is_long(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL server for the session; make databases of your own in it."""
    with parts.running_postgres(request.config.getoption("--postgres-bin")) as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap servers of one Kafka broker for the session; make topics of your own in it."""
    with parts.running_kafka() as broker:
        yield broker.bootstrap_servers


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One S3 server for the session: `endpoint`, `access_key`, `secret_key`, `bucket`."""
    with parts.running_s3() as server:
        yield server


@pytest.fixture(scope="session")
def keys() -> Keys:
    """The keys of the session's installation."""
    return make_keys(now=SystemClock().now())


@pytest.fixture(scope="session", params=["embedded", "split"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, keys: Keys
) -> Iterator[Platform]:
    """One process on embedded parts; then eight on Kafka, PostgreSQL and S3.

    All that drives a whole platform shares it: make a deployment of your own in it.
    """
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with embedded(folder, TOKEN) as running:
            yield running
        return
    postgres: EmbeddedPostgres = request.getfixturevalue("postgres")
    broker: str = request.getfixturevalue("kafka")
    store: S3Server = request.getfixturevalue("s3")
    with split(folder, TOKEN, keys=keys, postgres=postgres, kafka=broker, s3=store) as running:
        yield running


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    """Migrated databases on the session's server, in the time of a copy."""
    return Databases(postgres)


@pytest.fixture
def service_runner(
    databases: Databases, tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """`async with service_runner("ingest") as running:` runs services on databases of their own."""
    for name, value in keys.environment().items():
        monkeypatch.setenv(name, value)

    def run(*names: str) -> AbstractAsyncContextManager[RunningServices]:
        return running_services(
            names, databases=databases, folder=tmp_path, keys=keys, suffix=uuid4().hex[:12]
        )

    return run
