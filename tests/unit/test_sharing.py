"""A parallel run keeps together what shares something."""

import pytest

from tests.support.sharing import group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/e2e/test_loop.py::test_it[split]", "platform split"),
        ("tests/compat/test_compat_monitor.py::test_it[embedded-boxes]", "platform embedded"),
        ("tests/compat/test_compat_monitor.py::test_it[boxes-split]", "platform split"),
        ("tests/compat/test_table.py::test_it", "tests/compat/test_table.py"),
        ("tests/crash/test_chaos.py::test_it[embedded]", "tests/crash/test_chaos.py embedded"),
        ("tests/unit/test_crash_schedule.py::test_it[split]", "tests/unit/test_crash_schedule.py"),
    ],
)
def test_who_shares_a_platform_shares_a_process(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group
