"""Every route of every service says who may use it, and every service has what all have."""

from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import SecretStr

from libs.api.caller import declared_scope
from libs.api.tokens import Verifier, read_public_key
from libs.blobs.opening import open_blobs
from libs.bus.memory import MemoryBus
from libs.runtime.service import Context, Service
from libs.runtime.settings import Platform
from libs.store.clock import SystemClock
from libs.store.session import open_database
from sightloop.keys import make_keys
from sightloop.targets import SERVICES, build_of

# Anybody may try to log in; the interface and the proxy ask nobody (the upstream does).
OPEN = {"POST /api/gateway/v1/session"}
ROOT = Path(__file__).parents[2]


async def built(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that is composed and runs nothing."""
    clock = SystemClock()
    keys = make_keys(now=clock.now())
    for variable, value in keys.environment().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("SIGHTLOOP_SERVING_CACHE", str(folder / "models"))
    settings = Platform(
        database_url="postgresql+asyncpg://nowhere/{service}",
        bus_url="memory://",
        blobs_url=f"file://{folder}",
        token_public_key=SecretStr(keys.public_key),
    )
    async with (
        open_blobs(settings.blobs_url, public_url="http://x") as blobs,
        httpx.AsyncClient() as http,
    ):
        return build_of(name)(
            Context(
                settings=settings,
                clock=clock,
                bus=MemoryBus(clock=clock),
                blobs=blobs,
                verifier=Verifier(read_public_key(keys.public_key), clock=clock),
                http=http,
                open_database=lambda service: open_database(
                    service, settings.database_url, clock=clock
                ),
            )
        )


def scopes_of(dependant: Dependant) -> list[object]:
    found = [declared_scope(dependant.call)]
    for inner in dependant.dependencies:
        found += scopes_of(inner)
    return [scope for scope in found if scope is not None]


def routes_of(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize("name", SERVICES)
async def test_every_route_declares_its_scope(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await built(name, tmp_path, monkeypatch)
    silent = []
    for router in service.routers:
        for route in routes_of(router):
            for method in route.methods:
                label = f"{method} {route.path}"
                assert route.path.startswith(f"/api/{name}/v1/"), label
                if not scopes_of(route.dependant) and label not in OPEN:
                    silent.append(label)
    assert silent == []


@pytest.mark.parametrize("name", SERVICES)
async def test_every_route_says_what_it_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await built(name, tmp_path, monkeypatch)
    mute = [r.path for router in service.routers for r in routes_of(router) if not r.description]
    assert mute == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_readme_that_says_what_it_owns(name: str) -> None:
    text = (ROOT / "services" / name / "README.md").read_text()
    for heading in ("owns", "Events", "Settings"):
        assert heading.lower() in text.lower(), (
            f"services/{name}/README.md says nothing of {heading}"
        )
