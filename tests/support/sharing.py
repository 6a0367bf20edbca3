"""Which tests of a parallel run belong together, and which begin first (`make test`).

By their names: marks of xdist's groups do not arrive with this release of pytest.
"""

import re

from xdist.scheduler import LoadScopeScheduling

_MODE = re.compile(r"[\[-](embedded|split)[\]-]")


def group_of(nodeid: str) -> str:
    """Tests of one group run in one process, one after the other.

    All that drive a platform of one mode share it; what kills a platform has its own; the others
    share what their file shares.
    """
    file = nodeid.partition("::")[0]
    found = _MODE.search(nodeid)
    if found is None or not is_long(nodeid):
        return file
    return f"{file} {found[1]}" if file.startswith("tests/crash/") else f"platform {found[1]}"


def is_long(nodeid: str) -> bool:
    """Whether a test is of the longest groups, which mostly wait and so begin first."""
    return nodeid.startswith(("tests/compat/", "tests/crash/", "tests/e2e/", "tests/fuzz/"))


class Sharing(LoadScopeScheduling):
    """Hands groups to the processes, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
