"""The data folder of the embedded server, and what may be wrong with it.

    <data_dir>/            0700
      lock                 held (flock) while a process of ours uses the folder
      password             0600, the server's only password
      server.log           what the server says
      cluster/             PostgreSQL's own files, owned by the user the server runs as
      cluster.new/         an initdb that has not finished; removed at the next start

Everything here blocks: callers run it in a thread. Errors are EmbeddedPostgresError.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightloop.embedded.binaries import Binaries
from sightloop.embedded.errors import EmbeddedPostgresError
from sightloop.embedded.privileges import Owner, as_owner, dying_with_us

SUPERUSER = "sightloop"
CLUSTER_NAME = "sightloop-embedded"
_PATIENCE_SECONDS = 10.0

_PLAIN_WORDS = {
    errno.EACCES: "no permission to write the data folder",
    errno.EPERM: "no permission to write the data folder",
    errno.EROFS: "the data folder is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.ENOTDIR: "a file is where the data folder should be",
    errno.EEXIST: "a file is where the data folder should be",
}


@contextmanager
def plain_errors(data_dir: Path) -> Iterator[None]:
    """Turn the file system's errors into ours."""
    try:
        yield
    except OSError as error:
        words = _PLAIN_WORDS.get(error.errno or 0, f"{error.strerror or error}")
        where = Path(error.filename) if isinstance(error.filename, str) else data_dir
        raise EmbeddedPostgresError(words, where) from error


def lock_folder(data_dir: Path) -> int:
    """Make the folder when new and take it for this process; returns the descriptor to close."""
    with plain_errors(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace") or "unknown"
            os.close(descriptor)
            raise EmbeddedPostgresError(
                f"the data folder is in use by another running process (id {holder})", data_dir
            ) from error
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def cluster_major(data_dir: Path) -> int | None:
    """The major version that made the cluster, None when there is none yet."""
    cluster = data_dir / "cluster"
    with plain_errors(data_dir):
        if not cluster.exists():
            return None
        try:
            return int((cluster / "PG_VERSION").read_text().split(".")[0])
        except (FileNotFoundError, ValueError) as error:
            raise EmbeddedPostgresError(
                "the data folder is damaged: no readable PG_VERSION", cluster
            ) from error


def read_password(data_dir: Path) -> str:
    """The server's password, made when new."""
    path = data_dir / "password"
    with plain_errors(data_dir):
        if path.exists():
            password = path.read_text().strip()
            if not password:
                raise EmbeddedPostgresError("the password file is empty", path)
            return password
        if (data_dir / "cluster").exists():
            raise EmbeddedPostgresError("the password file is missing", path)
        password = secrets.token_urlsafe(32)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(password)
            out.flush()
            os.fsync(out.fileno())
        fresh.rename(path)
        return password


def make_cluster(data_dir: Path, binaries: Binaries, *, owner: Owner | None, durable: bool) -> None:
    """initdb beside the final name, then rename: a cluster is whole or absent."""
    fresh = data_dir / "cluster.new"
    with plain_errors(data_dir):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if owner is not None:
            os.chown(fresh, owner.uid, owner.gid)
        command = [
            binaries.initdb,
            *("-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8", "--data-checksums"),
            *("--auth-local=scram-sha-256", "--auth-host=reject"),
            f"--pwfile={data_dir / 'password'}",
            *_locale_options(binaries.major),
            *(() if durable else ("--no-sync",)),
        ]
        done = subprocess.run(
            as_owner(dying_with_us(command), owner),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            cwd="/",
            env=server_environment(),
        )
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedPostgresError(
                explain(done.stderr or done.stdout) or f"initdb ended with {done.returncode}",
                data_dir,
            )
        fresh.rename(data_dir / "cluster")
        if durable:
            _sync_folder(data_dir)


def server_environment() -> dict[str, str]:
    """Our environment without what would change the server: PG* variables and foreign locales."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_")) and name not in {"LANG", "LANGUAGE"}
    }
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def wait_for_previous(
    data_dir: Path, *, deadline: float, patience: float = _PATIENCE_SECONDS
) -> None:
    """Wait until a server whose owner was killed has gone, then clear what it left.

    We hold the folder's lock, so a server still running here has lost its owner: it got its
    death signal and is on its way out, or (no `setpriv`) is told to go now. Some never do: one
    that was told to stop while it recovered from a crash. After `patience` seconds it is told to
    stop at once, which costs a recovery. `deadline` is in `time.monotonic` seconds.
    """
    pid_file = data_dir / "cluster" / "postmaster.pid"
    orders = [(0.0, signal.SIGINT), (patience, signal.SIGQUIT)]
    started = time.monotonic()
    while True:
        with plain_errors(data_dir):
            try:
                pid = int(pid_file.read_text().split("\n", 1)[0])
            except FileNotFoundError:
                return
            except ValueError:
                pid_file.unlink(missing_ok=True)
                return
            command = _command_of(pid)
            if command is None or str(pid_file.parent) not in command:
                pid_file.unlink(missing_ok=True)
                return
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"the data folder is in use by another running server (id {pid})", data_dir
            )
        if CLUSTER_NAME in command and orders and time.monotonic() - started >= orders[0][0]:
            os.kill(pid, orders.pop(0)[1])
        time.sleep(0.01)


def explain(log: str) -> str:
    """The one line of a server's output that says why it stopped; empty when there is none."""
    if "No space left on device" in log:
        return "the disk is full"
    if "Read-only file system" in log:
        return "the data folder is read-only"
    lines = [
        match[1].strip()
        for line in log.splitlines()
        if (match := re.search(r"\b(?:FATAL|PANIC|ERROR|error|fatal|initdb):\s+(.*)$", line))
    ]
    return lines[-1] if lines else ""


def _locale_options(major: int) -> list[str]:
    """Sorting by code point, case folding by Unicode, the same on every machine."""
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _command_of(pid: int) -> str | None:
    """The command line of a running process, None when there is no such process."""
    proc = Path("/proc") / str(pid) / "cmdline"
    if Path("/proc/self/cmdline").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
    shown = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
