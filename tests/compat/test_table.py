"""The compatibility table says what the tests show, of methods that the client has."""

import importlib
import inspect
import pkgutil

import pytest

from tests.compat.lines import Verdict
from tests.compat.modules import MODULES, UNREACHABLE
from tests.compat.table import DOCUMENT, gather, render

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_document_is_what_the_tests_show() -> None:
    assert DOCUMENT.read_text() == render(), "python -m tests.compat.table"


def test_every_line_is_about_a_method_that_the_client_has() -> None:
    absent = []
    for line in gather():
        name, _, method = line.partition(".")
        if not hasattr(getattr(importlib.import_module(MODULES[name]), name), method):
            absent.append(line)
    assert absent == []


def test_every_public_method_of_the_client_has_a_line() -> None:
    """Properties apart, what is a list's (`MultiObject`), and `refresh`, which asks nothing."""
    from picsellia.sdk.multi_object import MultiObject

    lines, absent = gather(), []
    for name, module in MODULES.items():
        of = getattr(importlib.import_module(module), name)
        for method, member in inspect.getmembers_static(of):
            known = method.startswith("_") or method == "refresh" or hasattr(MultiObject, method)
            if not known and inspect.isfunction(member) and f"{name}.{method}" not in lines:
                absent.append(f"{name}.{method}")
    assert absent == []


def test_every_class_of_the_client_has_a_table_or_is_returned_by_nothing() -> None:
    import picsellia.sdk
    from picsellia.sdk.dao import Dao

    found = set()
    for module in pkgutil.walk_packages(picsellia.sdk.__path__, "picsellia.sdk."):
        for name, one in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(one) and issubclass(one, Dao) and not name.startswith("Abstract"):
                found.add(name)
    assert found - {"Dao", "Resource", "User"} <= {*MODULES, *UNREACHABLE}
    lines = gather()
    for method in UNREACHABLE.values():
        assert lines[method].verdict is Verdict.NOT_OFFERED, method
