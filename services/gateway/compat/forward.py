"""The existing client's paths that other services answer; and what nobody answers."""

import httpx
from fastapi import APIRouter, Request
from starlette.responses import Response

from libs.api.compat import compat_router, fits, refusal
from libs.api.forwarding import METHODS, forward_of
from services.gateway.api.proxy import pass_on


def forward_routes(upstreams: dict[str, str], http: httpx.AsyncClient) -> APIRouter:
    """The last of all routes below /api: what a service of this process answers came before."""
    router = compat_router()

    @router.api_route("/api/{path:path}", methods=list(METHODS))
    @router.api_route("/blobs/{path:path}", methods=list(METHODS))
    @router.api_route("/blobs", methods=list(METHODS))
    async def forward(request: Request) -> Response:
        """To the service that has the path and takes such a token."""
        line = next(
            (
                one
                for one in forward_of(request.method, request.url.path)
                if fits(one.kind, request.scope) and one.service in upstreams
            ),
            None,
        )
        if line is None:
            said = f"Sightloop does not offer {request.method} {request.url.path[:200]}"
            return refusal(404, said, ["see docs/picsellia-compatibility.md"])
        return await pass_on(request, http, line.service, upstreams[line.service])

    return router
