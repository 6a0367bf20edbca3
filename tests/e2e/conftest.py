"""The platform in both modes, started once for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sightloop.keys import Keys
from tests.support import parts
from tests.support.platform import Platform, embedded, split

TOKEN = "the bootstrap token of the end-to-end tests"


@pytest.fixture(scope="session", params=["embedded", "split"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, keys: Keys
) -> Iterator[Platform]:
    """One process on embedded parts; then eight on Kafka, PostgreSQL and S3."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with embedded(folder, TOKEN) as running:
            yield running
        return
    with (
        parts.running_postgres() as postgres,
        parts.running_kafka() as broker,
        parts.running_s3() as s3,
        split(
            folder, TOKEN, keys=keys, postgres=postgres, kafka=broker.bootstrap_servers, s3=s3
        ) as running,
    ):
        yield running
