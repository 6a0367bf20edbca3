"""The existing client's paths: who may ask, and who forwards them where."""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from libs.api.compat import CompatRoute
from libs.api.forwarding import forwards
from sightloop.targets import SERVICES
from tests.arch.test_routes import built, scopes_of

# A login is the token in the body; an address of an object is signed.
OPEN = {
    "POST /api/auth/login", "POST /api/login",
    "GET /blobs/{key:path}", "PUT /blobs/{key:path}", "POST /blobs",
}  # fmt: skip


async def compat_routes(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[CompatRoute]:
    service = await built(name, folder, monkeypatch)
    routes = [route for router in service.compat for route in router.routes]
    assert all(isinstance(route, CompatRoute) for route in routes)
    return [route for route in routes if isinstance(route, CompatRoute)]


@pytest.mark.parametrize("name", SERVICES)
async def test_every_path_of_the_existing_client_declares_its_scope_and_says_what_it_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for route in await compat_routes(name, tmp_path, monkeypatch):
        assert route.description, route.path
        assert not route.include_in_schema, route.path
        for method in route.methods:
            assert scopes_of(route.dependant) or f"{method} {route.path}" in OPEN, route.path


async def test_the_gateway_forwards_what_the_services_declare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = set()
    for name in SERVICES:
        if name != "gateway":
            for route in await compat_routes(name, tmp_path, monkeypatch):
                declared |= {(name, m, route.path, route.kind) for m in route.methods}
    told = {(one.service, one.method, one.template, one.kind) for one in forwards()}
    assert told - declared == set()
    assert declared - told == set()


async def test_no_two_services_declare_one_path_for_one_kind_of_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[tuple[str, str], list[CompatRoute]] = {}
    for name in SERVICES:
        for route in await compat_routes(name, tmp_path, monkeypatch):
            for method in route.methods:
                seen.setdefault((method, route.path), []).append(route)
    shared = {
        path: {route.kind for route in routes} for path, routes in seen.items() if len(routes) > 1
    }
    assert all(len(kinds) == len(seen[path]) for path, kinds in shared.items()), shared
    assert all(isinstance(route, APIRoute) for routes in seen.values() for route in routes)
