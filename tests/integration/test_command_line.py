"""What a user can mend is one line and a non-zero status, never a stack trace."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sightloop.keys import Keys
from tests.support.platform import environment_of


def sightloop(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-m", "sightloop", *arguments],
        cwd=cwd, env=environment_of(**environment), capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


def the_line(ran: "subprocess.CompletedProcess[str]") -> str:
    """The one line on the terminal."""
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr + ran.stdout
    (line,) = ran.stderr.strip().splitlines()
    return line


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = sightloop("up", "--data", str(tmp_path / "d"), "--port", port, cwd=tmp_path)
    assert the_line(ran) == f"sightloop: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = sightloop("up", "--data", str(tmp_path / "file" / "d"), "--port", "0", cwd=tmp_path)
    assert the_line(ran).startswith(f"sightloop: cannot use the data folder {tmp_path}/file/d: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_data_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    ran = sightloop("up", "--data", str(tmp_path / "d"), "--port", "0", cwd=Path("/"))
    assert "Permission denied" in the_line(ran)


def test_an_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    ran = sightloop("config", "check", cwd=tmp_path, SIGHTLOOP_BUSURL="kafka://x:1")
    assert the_line(ran) == (
        "sightloop: SIGHTLOOP_BUSURL: there is no such setting; did you mean SIGHTLOOP_BUS_URL?"
    )


def test_missing_settings_are_named(tmp_path: Path, keys: Keys) -> None:
    ran = sightloop(
        "config", "check", cwd=tmp_path, SIGHTLOOP_TOKEN_PUBLIC_KEY=keys.public_key,
        SIGHTLOOP_BUS_URL="kafka://x:1", SIGHTLOOP_DATABASE_URL="postgresql+asyncpg://x/{service}",
    )  # fmt: skip
    assert the_line(ran) == "sightloop: SIGHTLOOP_BLOBS_URL: Field required"


def test_a_database_that_is_not_there_is_named(tmp_path: Path, keys: Keys) -> None:
    ran = sightloop(
        "serve", "ingest", cwd=tmp_path, SIGHTLOOP_BUS_URL="memory://", SIGHTLOOP_PORT="0",
        SIGHTLOOP_BLOBS_URL=f"file://{tmp_path}/blobs", **keys.environment(),
        SIGHTLOOP_DATABASE_URL="postgresql+asyncpg://u:p@127.0.0.1:1/{service}",
    )  # fmt: skip
    assert the_line(ran).startswith("sightloop: the database of ingest cannot be used: ")


def test_an_unknown_service_is_named(tmp_path: Path, keys: Keys) -> None:
    ran = sightloop(
        "serve", "inges", cwd=tmp_path, SIGHTLOOP_BUS_URL="memory://", SIGHTLOOP_PORT="0",
        SIGHTLOOP_BLOBS_URL=f"file://{tmp_path}/blobs", **keys.environment(),
        SIGHTLOOP_DATABASE_URL="postgresql+asyncpg://u:p@127.0.0.1:1/{service}",
    )  # fmt: skip
    assert the_line(ran).startswith("sightloop: there is no service inges; there are gateway, ")


def test_dead_letters_need_a_bus(tmp_path: Path) -> None:
    assert the_line(sightloop("dlq", "list", cwd=tmp_path)) == (
        "sightloop: say where the bus is: --data FOLDER, or SIGHTLOOP_BUS_URL"
    )


def test_pictures_of_a_demo_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "coco.json").write_text("{}")
    ran = sightloop(
        "demo", "--exit", "--data", str(tmp_path / "d"), "--images", str(tmp_path),
        "--annotations", str(tmp_path / "coco.json"), cwd=tmp_path,
    )  # fmt: skip
    assert the_line(ran).startswith(f"sightloop: {tmp_path}/coco.json is no COCO file: ")


@pytest.mark.slow
def test_a_demo_that_is_told_to_end_takes_its_platform_with_it(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-P", "-m", "sightloop", "demo"),
        *("--data", str(tmp_path / "d"), "--port", "0"),
    ]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment_of(COLUMNS="200"), stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        said = next(line for line in running.stdout if line.startswith("Sightloop runs at "))
        running.terminate()
        rest, _ = running.communicate(timeout=90)
    assert "Traceback" not in rest
    port = int(said.strip().rsplit(":", 1)[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
