"""Fixtures every tier may use. Each costs nothing until a test asks for it."""

from collections.abc import Iterator

import pytest

from sightloop.embedded.postgres import EmbeddedPostgres
from tests.support import parts


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL server for the session; make databases of your own in it."""
    with parts.running_postgres() as server:
        yield server
