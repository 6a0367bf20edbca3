"""Every part there is, for `doctor`, `fetch` and the tests."""

from sightloop.dev.chromium import Chromium
from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.kubernetes import KubernetesApi
from sightloop.dev.kustomize import Kustomize
from sightloop.dev.node import Node
from sightloop.dev.part import Available, Missing, Tool
from sightloop.dev.s3 import S3Server
from sightloop.embedded.binaries import find_binaries
from sightloop.embedded.errors import EmbeddedPostgresError


class _PostgresPrograms:
    """The server's programs come with the Python dependencies: nothing to fetch."""

    name = "postgres"

    def available(self) -> Available | Missing:
        try:
            found = find_binaries(bin_dir=None, cluster_major=None)
        except EmbeddedPostgresError as error:
            return Missing(str(error))
        return Available(f"PostgreSQL {found.major}, {found.folder}")

    def fetch(self) -> None:
        return None


def all_parts(*, install_packages: bool = False) -> list[Tool]:
    """In the order they are fetched: the quick ones first."""
    return [
        _PostgresPrograms(),
        KafkaBroker,
        Node(),
        Chromium(install_packages=install_packages),
        S3Server,
    ]


def kubernetes_parts() -> list[Tool]:
    """Those of the manifests' tests, apart because they take many minutes to build."""
    return [Kustomize, KubernetesApi]
