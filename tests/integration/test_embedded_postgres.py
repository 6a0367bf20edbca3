"""The embedded server on real folders: what it keeps, who may enter, and how it fails."""

import asyncio
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
HOLDER = """
import asyncio, json, sys
from pathlib import Path
from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.postgres import EmbeddedPostgres

async def main():
    try:
        async with EmbeddedPostgres(Path(sys.argv[1])) as pg:
            await pg.create_database("kept")
            print(json.dumps({"pid": pg.pid}), flush=True)
            if "--hold" in sys.argv:
                await asyncio.sleep(600)
    except EmbeddedPostgresError as error:
        print(json.dumps({"error": str(error), "what": error.what}), flush=True)

asyncio.run(main())
"""


def holder_command(data_dir: Path, *options: str) -> list[str]:
    return [sys.executable, "-c", HOLDER, str(data_dir), *options]


def run_apart(script: str, data_dir: Path) -> dict[str, str]:
    """What a process of its own says that runs `script` in its own mount namespace."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a mount of one's own needs root and unshare")
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-ec", script + '\nexec "$@"', "sh"),
            *holder_command(data_dir),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if "Operation not permitted" in done.stderr or "permission denied" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


def runs(pid: int) -> bool:
    """False for a process that has ended, whether or not its new parent has noticed."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int, *, within: float) -> bool:
    deadline = time.monotonic() + within
    while runs(pid):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner_of(pg: EmbeddedPostgres) -> int:
    return Path(f"/proc/{pg.pid}").stat().st_uid


async def write_row(pg: EmbeddedPostgres, value: str) -> None:
    await pg.create_database("kept")
    connection = await asyncpg.connect(**pg.connect_kwargs("kept"))
    await connection.execute("CREATE TABLE IF NOT EXISTS note (value text)")
    await connection.execute("INSERT INTO note VALUES ($1)", value)
    await connection.close()


async def read_rows(pg: EmbeddedPostgres) -> list[str]:
    connection = await asyncpg.connect(**pg.connect_kwargs("kept"))
    rows = await connection.fetch("SELECT value FROM note ORDER BY value")
    await connection.close()
    return [row["value"] for row in rows]


async def test_rows_are_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    pg = EmbeddedPostgres(tmp_path / "pg")
    async with pg:
        await write_row(pg, "first")
    async with pg:
        assert await read_rows(pg) == ["first"]


async def test_the_url_opens_a_database_through_sqlalchemy(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "with space") as pg:
        await pg.create_database('odd"name')
        await pg.create_database('odd"name')
        engine = create_async_engine(pg.dsn('odd"name'))
        async with engine.connect() as connection:
            statement = text("SELECT current_database(), lower('ÄÉ'), current_setting('fsync')")
            assert (await connection.execute(statement)).one() == ('odd"name', "äé", "on")
        await engine.dispose()


async def test_nobody_enters_without_the_password_or_over_the_network(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg") as pg:
        arguments = pg.connect_kwargs("postgres")
        connection = await asyncpg.connect(**arguments)
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**arguments | {"password": "guess"})
        for path in (tmp_path / "pg", tmp_path / "pg" / "cluster", Path(arguments["host"])):
            assert permissions(path) == 0o700
        assert permissions(tmp_path / "pg" / "password") == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to lower")
async def test_the_server_never_runs_as_root(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg") as pg:
        assert owner_of(pg) == 65534
        assert (tmp_path / "pg" / "cluster").stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.slow
async def test_an_ordinary_user_and_root_take_turns(tmp_path: Path) -> None:
    user = pwd.getpwnam("daemon")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, user.pw_uid, user.pw_gid)
    capability = "+dac_read_search"  # to reach this checkout, not for the server
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    prefix += [f"--inh-caps={capability}", f"--ambient-caps={capability}"]
    for _ in range(2):
        done = await asyncio.to_thread(
            subprocess.run,
            prefix + holder_command(home / "pg"),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert "pid" in json.loads(done.stdout)
        async with EmbeddedPostgres(home / "pg") as pg:
            assert owner_of(pg) == user.pw_uid
            await write_row(pg, "from root")


@pytest.mark.slow
async def test_the_server_ends_with_a_killed_parent_and_the_folder_is_free_at_once(
    tmp_path: Path,
) -> None:
    pg = EmbeddedPostgres(tmp_path / "pg")
    async with pg:
        await write_row(pg, "before")
    parent = await asyncio.create_subprocess_exec(
        *holder_command(tmp_path / "pg", "--hold"), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    said = await parent.stdout.readline()
    parent.kill()
    await parent.wait()
    server = json.loads(said)["pid"]
    async with pg:
        assert await gone(server, within=30)
        assert await read_rows(pg) == ["before"]
    assert await gone(server, within=60)


async def test_committed_rows_survive_a_kill_of_the_server(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg") as pg:
        await write_row(pg, "committed")
        watch = asyncio.create_task(pg.ended())
        await pg.kill()
        assert await watch == "the server ended with -9"
        await pg.restart()
        assert await read_rows(pg) == ["committed"]
        watch = asyncio.create_task(pg.ended())
        await pg.stop()
        assert await watch is None


async def test_a_folder_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg"):
        with pytest.raises(EmbeddedPostgresError, match=rf"in use .* \(id {os.getpid()}\)"):
            await EmbeddedPostgres(tmp_path / "pg").start()
        done = await asyncio.to_thread(
            subprocess.run, holder_command(tmp_path / "pg"), cwd=ROOT, capture_output=True
        )
        assert f"id {os.getpid()}" in json.loads(done.stdout)["what"]


async def test_a_stale_pid_file_of_a_reused_process_id_does_not_stop_a_start(
    tmp_path: Path,
) -> None:
    pg = EmbeddedPostgres(tmp_path / "pg")
    async with pg:
        pass
    (tmp_path / "pg" / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    async with pg:
        await write_row(pg, "here")


async def test_an_interrupted_initdb_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "pg" / "cluster.new" / "base").mkdir(parents=True)
    async with EmbeddedPostgres(tmp_path / "pg") as pg:
        await write_row(pg, "here")
    assert not (tmp_path / "pg" / "cluster.new").exists()


async def test_another_major_version_is_named(tmp_path: Path) -> None:
    pg = EmbeddedPostgres(tmp_path / "pg")
    async with pg:
        pass
    (tmp_path / "pg" / "cluster" / "PG_VERSION").write_text("11\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 11, the server installed"):
        await pg.start()


@pytest.mark.parametrize("victim", ["PG_VERSION", "global/pg_control"])
async def test_a_damaged_folder_is_an_error_on_one_line(tmp_path: Path, victim: str) -> None:
    pg = EmbeddedPostgres(tmp_path / "pg")
    async with pg:
        pass
    (tmp_path / "pg" / "cluster" / victim).write_bytes(b"")
    with pytest.raises(EmbeddedPostgresError) as raised:
        await pg.start()
    assert victim in str(raised.value)
    assert "\n" not in str(raised.value)
    (tmp_path / "pg" / "cluster" / victim).unlink()
    with pytest.raises(EmbeddedPostgresError):
        await pg.start()


async def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pg").write_text("not a folder")
    with pytest.raises(EmbeddedPostgresError, match="a file is where"):
        await EmbeddedPostgres(tmp_path / "pg").start()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    said = run_apart(f"mount -t tmpfs -o size=8m tmpfs {tmp_path}", tmp_path / "pg")
    assert said["what"] == "the disk is full"


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    said = run_apart(f"mount -t tmpfs -o ro,size=8m tmpfs {tmp_path}", tmp_path / "pg")
    assert said["what"] == "the data folder is read-only"


async def test_a_long_path_gets_a_short_socket_folder_that_is_removed(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / ("deep" * 30)) as pg:
        await write_row(pg, "here")
        socket_dir = Path(pg.connect_kwargs("kept")["host"])
        assert len(str(socket_dir)) < 90
        assert permissions(socket_dir) == 0o700
    assert not list(socket_dir.parent.glob(socket_dir.name))


@pytest.mark.skipif(not DEBIAN_15.exists(), reason=f"no {DEBIAN_15}")
async def test_another_installation_serves_and_is_kept_apart(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg", bin_dir=DEBIAN_15) as pg:
        connection = await asyncpg.connect(**pg.connect_kwargs("postgres"))
        assert (await connection.fetchval("SHOW server_version")).startswith("15.")
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        await connection.close()
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 15"):
        await EmbeddedPostgres(tmp_path / "pg").start()
