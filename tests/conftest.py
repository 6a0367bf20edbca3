"""Fixtures every tier may use. Each costs nothing until a test asks for it."""

from collections.abc import Iterator

import pytest

from sightloop.dev.s3 import S3Server
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support import parts


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL server for the session; make databases of your own in it."""
    with parts.running_postgres() as server:
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
