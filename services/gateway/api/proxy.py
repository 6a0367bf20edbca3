"""The one origin where no Ingress makes it: requests go on to the service that owns the path."""

from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from libs.api.problems import Problem, not_found, unavailable

_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers",
    "transfer-encoding", "upgrade", "host",
}  # fmt: skip
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def proxy_routes(upstreams: dict[str, str], http: httpx.AsyncClient) -> APIRouter:
    """Routes for the services that run elsewhere: `upstreams` is their addresses by name.

    They check the caller themselves, as they do behind an Ingress.
    """
    router = APIRouter(include_in_schema=False)

    @router.api_route("/api/{service}/v1/{path:path}", methods=_METHODS)
    async def forward(request: Request, service: str, path: str) -> StreamingResponse:
        address = upstreams.get(service)
        if address is None:
            raise not_found(f"service {service}")
        return await pass_on(request, http, service, address)

    return router


async def pass_on(
    request: Request, http: httpx.AsyncClient, service: str, address: str
) -> StreamingResponse:
    """The answer of a service, streamed both ways. Raises Problem 503 or 504."""
    outgoing = http.build_request(
        request.method,
        httpx.URL(address.rstrip("/") + request.url.path, query=request.url.query.encode()),
        headers=[(k, v) for k, v in request.headers.items() if k not in _HOP_BY_HOP],
        content=_body(request),
        timeout=httpx.Timeout(60.0, connect=5.0, read=300.0),
    )
    try:
        answer = await http.send(outgoing, stream=True)
    except httpx.TimeoutException as error:
        raise Problem(504, "timeout", f"{service} did not answer in time") from error
    except httpx.TransportError as error:
        raise unavailable(f"{service} is away; try again") from error
    headers = {k: v for k, v in answer.headers.items() if k not in _HOP_BY_HOP}
    return StreamingResponse(_relay(answer), answer.status_code, headers=headers)


async def _relay(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def _body(request: Request) -> AsyncIterator[bytes] | None:
    if "content-length" in request.headers or "transfer-encoding" in request.headers:
        return request.stream()
    return None
