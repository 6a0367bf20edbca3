"""The existing client's paths: nobody sees or moves what is another organisation's."""

import json
import re
from typing import Any
from uuid import uuid4

from libs.api.compat import CompatRoute
from libs.schemas.ids import connector_id, datalake_id
from services.ingest.store.vocabulary import Kind, name_id
from sightloop.targets import SERVICES
from tests.component.test_tenants import made
from tests.support.services import Run, RunningServices

# Signed addresses have their own test; a login is the token in the body.
_NOT_ASKED = ("/blobs", "/api/auth/login", "/api/login")
_REFUSED = {400, 401, 403, 404, 409, 422}


def paths(running: RunningServices) -> list[tuple[str, str]]:
    """(method, template) of every path that says whose it is."""
    return [
        (method, route.path)
        for service in running.services.values()
        for router in service.compat
        for route in router.routes
        if isinstance(route, CompatRoute) and not route.path.startswith(_NOT_ASKED)
        for method in sorted(route.methods)
    ]


async def ids_of(running: RunningServices) -> dict[str, str]:
    """What is in the paths, all of it the organisation's own."""
    ids = await made(running)
    mine = running.organization
    return ids | {
        "organization": str(mine), "datalake": str(datalake_id(mine)),
        "connector": str(connector_id(mine)), "asset": ids["prediction"],
        "tag": str(name_id(Kind.TAG, mine, "a")),
        "source": str(name_id(Kind.SOURCE, mine, "serving")),
        "model/version": ids["deployer version"], "dataset/version": ids["feedback version"],
    }  # fmt: skip


def filled(template: str, ids: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        kind = "/".join(template.split("/")[2:4])
        return ids.get(kind if match[1] == "version" else match[1]) or str(uuid4())

    return re.sub(r"\{(\w+)\}", value, template)


async def test_what_is_anothers_does_not_exist_for_the_existing_client(
    service_runner: Run,
) -> None:
    async with service_runner(*SERVICES) as running:
        ids = await ids_of(running)
        seen: list[str] = []
        tried = 0
        for method, template in paths(running):
            if "{" not in template:
                continue
            body: Any = {"name": "x", "ids": [], "active": True}
            answer = await running.stranger.request(
                method, filled(template, ids), content=json.dumps(body)
            )
            tried += 1
            if answer.status_code not in _REFUSED:
                seen.append(f"{method} {template}: {answer.status_code} {answer.text[:99]}")
        assert tried > 60
        assert seen == []
        mine = await running.http.get(f"/api/deployment/{ids['deployment']}")
        assert mine.json()["name"] == "x"


async def test_no_token_no_answer_for_the_existing_client(service_runner: Run) -> None:
    async with service_runner(*SERVICES) as running:
        answered = []
        for method, template in paths(running):
            answer = await running.http.request(
                method, filled(template, {}), headers={"Authorization": "Bearer no"}
            )
            if answer.status_code != 401:
                answered.append(f"{method} {template}: {answer.status_code}")
            assert set(answer.json()) == {"message", "detail"}, template
        assert answered == []
