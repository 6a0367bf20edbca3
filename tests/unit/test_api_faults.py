"""What no route has caught is answered, once, and seen by whoever counts the answers."""

from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY
from sqlalchemy.exc import InterfaceError

from libs.api.app import create_app
from libs.api.health import Report
from libs.api.limits import Bodies, BodyLimits
from libs.api.tokens import Verifier

router = APIRouter()


@router.get("/away")
async def away() -> None:
    raise InterfaceError("select 1", None, Exception("the server is gone"))


@router.get("/wrong")
async def wrong() -> None:
    raise KeyError("a secret of ours")


@router.get("/broken")
async def broken() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        yield b"one"
        raise KeyError("half way")

    return StreamingResponse(lines())


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = create_app(
        [router], parts=[], verifier=cast("Verifier", None), report=lambda: Report(()),
        version="1", bodies=Bodies(BodyLimits()),
    )  # fmt: skip
    # As a server sees it: what the app raises is logged with its traceback.
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_a_part_that_is_away_is_an_answer_and_no_exception(client: httpx.AsyncClient) -> None:
    answer = await client.get("/away")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"] == "/problems/unavailable"


async def test_a_defect_is_told_without_its_text_and_counted(client: httpx.AsyncClient) -> None:
    labels = {"method": "GET", "route": "/wrong", "status": "500"}
    before = REGISTRY.get_sample_value("sightloop_http_request_seconds_count", labels) or 0.0
    answer = await client.get("/wrong")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert REGISTRY.get_sample_value("sightloop_http_request_seconds_count", labels) == before + 1


async def test_an_answer_that_breaks_off_does_not_pass_for_a_whole_one(
    client: httpx.AsyncClient,
) -> None:
    with pytest.raises(KeyError, match="half way"):
        await client.get("/broken")
