"""How a child process is started so that it is not root and does not outlive us.

`setpriv` (util-linux) does both without a line of code between fork and exec, and keeps working
where user namespaces do not (chroots, containers). The death signal is tied to the *thread* that
starts the child: start servers from the thread that lives as long as they must, the main one.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534

_DAC_OVERRIDE = 1
_DAC_READ_SEARCH = 2


@dataclass(frozen=True)
class Owner:
    """The user and group a child runs as and its files belong to."""

    uid: int
    gid: int


class SetprivMissing(RuntimeError):
    """Root cannot lower its privileges for a server that refuses to run as root."""


def dying_with_us(command: list[str], signal_name: str = "KILL") -> list[str]:
    """`command`, sent `signal_name` by the kernel when its parent is gone, even by `kill -9`.

    Without `setpriv` (macOS) the command is returned as it is: the caller's own stop must do.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal_name, *command] if setpriv else command


def as_owner(command: list[str], owner: Owner | None) -> list[str]:
    """`command` run as `owner`; as it is when `owner` is None.

    One capability to pass folders stays, so that a data folder below a 0700 home works with the
    home's permissions untouched. Raises SetprivMissing.
    """
    if owner is None:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SetprivMissing("running as root needs setpriv (package util-linux)")
    prefix = [
        setpriv,
        f"--reuid={owner.uid}",
        f"--regid={owner.gid}",
        "--clear-groups",
    ]
    capability = _folder_capability()
    if capability is not None:
        prefix += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
    return [*prefix, *command]


def unprivileged_owner(folder: Path) -> Owner | None:
    """Who a server over `folder` must run as: None unless we are root.

    An existing folder keeps the owner it has, so that root and its owner can take turns.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists():
        found = folder.stat()
        if found.st_uid != 0:
            return Owner(found.st_uid, found.st_gid)
    return Owner(NOBODY, NOBODY)


def _folder_capability() -> str | None:
    """The least capability we hold that passes a closed folder; containers often drop the first."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    match = re.search(r"^CapPrm:\s*([0-9a-f]+)$", status, re.MULTILINE)
    permitted = int(match[1], 16) if match else 0
    if permitted >> _DAC_READ_SEARCH & 1:
        return "dac_read_search"
    return "dac_override" if permitted >> _DAC_OVERRIDE & 1 else None
