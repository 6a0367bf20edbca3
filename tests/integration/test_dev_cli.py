"""`sightloop dev` as a developer uses it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from sightloop.dev.cli import dev
from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.kafka_jars import pinned_jars
from sightloop.dev.kubernetes import KubernetesApi
from sightloop.dev.kustomize import Kustomize
from sightloop.dev.node import Node
from sightloop.dev.part import Available, FetchFailed, Missing
from sightloop.dev.s3 import S3Server

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from sightloop.dev.cli import dev; dev()")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        pass


@asynccontextmanager
async def running_up(
    *arguments: str,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """`dev up` in a process of its own, killed with all its parts when the test fails."""
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "up", *arguments), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("MAVEN_REPO", raising=False)
    return tmp_path / "cache"


def test_the_doctor_names_what_is_missing_and_what_to_do(empty_cache: Path) -> None:
    done = CliRunner().invoke(dev, ["doctor"])
    assert done.exit_code == 1
    for words in ("ok       postgres", "MISSING  kafka", "MISSING  node", "MISSING  s3"):
        assert words in done.output
    assert "sightloop dev fetch" in done.output


def test_a_fetch_without_the_means_says_which_and_leaves_nothing(empty_cache: Path) -> None:
    from sightloop.dev.kafka_jars import fetch_jars

    with pytest.raises(FetchFailed, match="no mvn on the path, and MAVEN_REPO"):
        fetch_jars()
    assert isinstance(KafkaBroker.available(), Missing)
    assert not (empty_cache / "kafka-4.1.1").exists()


def test_the_parts_for_manifests_are_fetched_when_asked_for(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A Go in its own installer's folder is found without the path.
    monkeypatch.setattr("sightloop.dev.go.shutil.which", lambda *_, **__: None)
    assert "kubernetes" not in CliRunner().invoke(dev, ["doctor"]).output

    done = CliRunner().invoke(dev, ["fetch", "--kubernetes"])

    assert done.exit_code == 1
    for part in ("kustomize", "kubernetes"):
        assert f"{part}: no Go to build with" in done.output
    assert isinstance(Kustomize.available(), Missing)
    assert isinstance(KubernetesApi.available(), Missing)


def test_a_tampered_jar_is_not_taken(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightloop.dev.kafka_jars import fetch_jars

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    maven = tmp_path / "mvn"
    first = next(pinned_jars()).name
    maven.write_text(
        "#!/bin/sh\nfor word; do case $word in -DoutputDirectory=*)"
        f" echo evil > ${{word#*=}}/{first};; esac; done\n"
    )
    maven.chmod(0o755)
    with pytest.raises(FetchFailed, match=f"{first}: expected SHA-256"):
        fetch_jars()
    assert isinstance(KafkaBroker.available(), Missing)


def test_jars_come_from_a_repository_address_where_there_is_no_maven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightloop.dev.kafka_jars import fetch_jars, jars_folder

    cached = jars_folder()
    if cached is None:
        pytest.skip("no jars in the cache to serve")
    for jar in pinned_jars():
        path = tmp_path / "repository" / jar.path
        path.parent.mkdir(parents=True)
        path.symlink_to(cached / jar.name)
    handler = partial(QuietHandler, directory=str(tmp_path / "repository"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SIGHTLOOP_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setenv("MAVEN_REPO", f"http://127.0.0.1:{server.server_port}/")
        try:
            fetched = fetch_jars()
        finally:
            server.shutdown()
            thread.join()
    assert fetched.parent == tmp_path / "cache"
    assert {path.name for path in fetched.iterdir()} == {jar.name for jar in pinned_jars()}


def test_processes_that_fetch_at_once_make_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightloop.dev.cache import fill

    monkeypatch.setenv("SIGHTLOOP_CACHE", str(tmp_path))
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "whole").write_text("yes")

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: fill("part", make), range(8)))
    assert found == {tmp_path / "part"}
    assert len(made) == 1
    assert (tmp_path / "part" / "whole").read_text() == "yes"


def test_every_pinned_jar_is_named_once() -> None:
    names = [jar.name for jar in pinned_jars()]
    assert len(names) == len(set(names)) > 40
    assert "kafka_2.13-4.1.1.jar" in names


@pytest.mark.slow
async def test_up_prints_variables_that_work_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    async with running_up("postgres", "--data", str(tmp_path / "data")) as (process, said):
        name, _, value = (await said.readline()).decode().strip().partition("=")
        assert name == "export SIGHTLOOP_DATABASE_URL"
        assert (await said.readline()).decode().startswith("# running")
        engine = create_async_engine(value.strip("'").format(service="gateway"))
        async with engine.connect():
            pass
        await engine.dispose()
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 120) == 0
    assert not (tmp_path / "data" / "postgres" / "cluster" / "postmaster.pid").exists()


@pytest.mark.kafka
@pytest.mark.s3
@pytest.mark.slow
async def test_up_starts_all_three(tmp_path: Path) -> None:
    for part in (KafkaBroker, S3Server):
        if isinstance(found := part.available(), Missing):
            pytest.skip(found.reason)
    async with running_up("--data", str(tmp_path / "data")) as (process, said):
        lines = [(await said.readline()).decode() for _ in range(3)]
        assert [line.split("=")[0] for line in lines] == [
            "export SIGHTLOOP_BUS_URL",
            "export SIGHTLOOP_BLOBS_URL",
            "export SIGHTLOOP_DATABASE_URL",
        ]
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 120) == 0


def test_node_is_found_with_its_npm() -> None:
    node = Node()
    if isinstance(found := node.available(), Missing):
        pytest.skip(found.reason)
    assert isinstance(found, Available)
    assert node.npm is not None
