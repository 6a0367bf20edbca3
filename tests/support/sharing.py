"""Which tests of a parallel run belong together, and which begin first (`make test`)."""

import pytest

_WHOLE = ("crash", "fuzz")


def group_of(item: pytest.Item) -> str:
    """Tests of one group run in one process, one after the other.

    All that drive a platform of one mode share it; what kills a platform has its own; the others
    share what their file shares.
    """
    parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    file = item.nodeid.partition("::")[0]
    if "platform" in parameters:
        return f"platform {parameters['platform']}"
    if "mode" in parameters and _kills(file):
        return f"{file} {parameters['mode']}"
    return file


def arrange(items: list[pytest.Item]) -> None:
    """Mark each item with its group; the longest groups first, for they mostly wait."""
    groups = {item: group_of(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not (groups[item].startswith("platform") or _kills(item.nodeid)))


def _kills(nodeid: str) -> bool:
    return nodeid.startswith(tuple(f"tests/{folder}/" for folder in _WHOLE))
