"""The app of a process: the routers of its services, one way to fail, one way to be healthy."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request

from libs.api import health, problems
from libs.api.limits import Bodies, LimitBody
from libs.api.tokens import Verifier
from libs.api.tracing import TraceRequests

T = TypeVar("T")


def create_app(
    routers: Iterable[APIRouter],
    *,
    parts: Sequence[object],
    verifier: Verifier,
    report: Callable[[], health.Report],
    version: str,
    bodies: Bodies,
) -> FastAPI:
    """The ASGI app. `parts`: one value per service, found by its type (`part`)."""
    app = FastAPI(
        title="Sightloop",
        version=version,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # The existing client posts JSON without a content type.
        strict_content_type=False,
    )
    app.state.parts = {type(part): part for part in parts}
    app.state.verifier = verifier
    app.state.report = report
    app.include_router(health.router)
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(problems.AnswerFaults)
    app.add_middleware(LimitBody, bodies=bodies)
    app.add_middleware(TraceRequests)
    return app


def part(kind: type[T]) -> Any:
    """`store: Annotated[Ingest, part(Ingest)]`: the service's own value of this type."""

    # A coroutine, though nothing is awaited: FastAPI runs plain functions in a thread.
    async def find(request: Request) -> T:
        found: T = request.app.state.parts[kind]
        return found

    return Depends(find)
