"""The broker's jars: a pinned list, fetched by Maven or from a repository address, verified."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from sightloop.dev.cache import cache_folder, fill, run_fetcher
from sightloop.dev.part import FetchFailed

KAFKA_VERSION = "4.1.1"

_CACHED = f"kafka-{KAFKA_VERSION}"
_PINNED = Path(__file__).with_name("kafka-jars.sha256")
_POM = """<project>
<modelVersion>4.0.0</modelVersion>
<groupId>sightloop</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = """<dependency>
<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
</dependency>
"""


@dataclass(frozen=True)
class Jar:
    """One file: its path in a Maven repository and its SHA-256 in hexadecimal."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[1]

    @property
    def dependency(self) -> str:
        group, artifact, version, _ = self.path.rsplit("/", 3)
        return _DEPENDENCY.format(group=group.replace("/", "."), artifact=artifact, version=version)


def jars_folder() -> Path | None:
    """The verified jars, None when they are not in the cache."""
    folder = cache_folder() / _CACHED
    return folder if folder.exists() else None


def fetch_jars() -> Path:
    """The folder of verified jars. Raises FetchFailed."""
    return fill(_CACHED, _fetch)


def pinned_jars() -> Iterator[Jar]:
    """The list: the broker, all it needs, and a binding that shows its log."""
    for line in _PINNED.read_text().splitlines():
        sha256, path = line.split()
        yield Jar(path, sha256)


def _fetch(folder: Path) -> None:
    if (maven := shutil.which("mvn")) is not None:
        _fetch_by_maven(maven, folder)
    elif address := os.environ.get("MAVEN_REPO"):
        _fetch_from(address, folder)
    else:
        raise FetchFailed("no mvn on the path, and MAVEN_REPO names no repository's address")
    for jar in pinned_jars():
        path = folder / jar.name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "nothing"
        if found != jar.sha256:
            raise FetchFailed(f"{jar.name}: expected SHA-256 {jar.sha256}, got {found}")


def _fetch_by_maven(maven: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        pom = Path(scratch) / "pom.xml"
        pom.write_text(_POM.format(dependencies="".join(j.dependency for j in pinned_jars())))
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        run_fetcher([maven, "-q", "-B", "-f", str(pom), *goal], cwd=Path(scratch), seconds=600)


def _fetch_from(address: str, folder: Path) -> None:
    try:
        with httpx.Client(timeout=60, follow_redirects=True) as client:
            for jar in pinned_jars():
                answer = client.get(f"{address.rstrip('/')}/{jar.path}")
                answer.raise_for_status()
                (folder / jar.name).write_bytes(answer.content)
    except httpx.HTTPError as error:
        raise FetchFailed(f"{address}: {error}") from error
