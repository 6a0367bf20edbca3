"""What a method of the client asks for, read from its source: for methods that are not offered."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

_VERBS = ("get", "post", "put", "patch", "delete", "xget")


def requests_of(module: str, method: str) -> list[tuple[str, str]]:
    """(verb, path) of each request in the source of `Class.method`; ids are made up."""
    name, _, attribute = method.partition(".")
    function = getattr(getattr(importlib.import_module(module), name), attribute)
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    return list(_requests(tree))


def _requests(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=verb, value=of)) if verb in _VERBS:
                if ast.unparse(of).endswith(("connection", "connexion")):
                    yield verb, _path(node)


def _path(call: ast.Call) -> str:
    given: Any = call.args[0] if call.args else None
    for keyword in call.keywords:
        if keyword.arg == "path":
            given = keyword.value
    if isinstance(given, ast.Constant):
        return str(given.value)
    assert isinstance(given, ast.JoinedStr), ast.unparse(call)
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else str(uuid4()) for part in given.values
    )
