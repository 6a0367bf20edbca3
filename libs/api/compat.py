"""The existing client's paths: which token leads where, and errors as that client reads them.

Its platform and its monitoring share one path of one origin (`GET /api/deployment/{id}`). They
are told apart by the token: a login's names its deployment.
"""

import base64
import binascii
from collections.abc import Callable, Coroutine, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from libs.api.problems import Problem, where
from libs.api.tokens import DEPLOYMENT_CLAIM
from libs.store.faults import is_transient

XGET = "XGET"


class TokenKind(StrEnum):
    """What a path is asked with. ANY: it says nothing about who answers."""

    ANY = "any"
    PLATFORM = "platform"
    DEPLOYMENT = "deployment"


class CompatRoute(APIRoute):
    """A path of the existing client; its errors are `{"message", "detail"}`."""

    kind = TokenKind.ANY

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.NONE and not fits(self.kind, scope):
            return Match.NONE, {}
        return match, child

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return told_problem(problem)
            except RequestValidationError as error:
                wrong = [f"{where(e['loc'])}: {e['msg']}" for e in error.errors()]
                return refusal(422, "The request is wrong", wrong)
            except Exception as error:
                if not is_transient(error):
                    raise
                return refusal(503, "A part of the platform is away; try again")

        return told


class PlatformRoute(CompatRoute):
    """A path that another service answers to a login's token."""

    kind = TokenKind.PLATFORM


class DeploymentRoute(CompatRoute):
    """A path that another service answers to a platform token."""

    kind = TokenKind.DEPLOYMENT


def compat_router(kind: TokenKind = TokenKind.ANY) -> APIRouter:
    """A router for paths of the existing client. They are not part of our OpenAPI."""
    routes = {TokenKind.PLATFORM: PlatformRoute, TokenKind.DEPLOYMENT: DeploymentRoute}
    return APIRouter(route_class=routes.get(kind, CompatRoute), include_in_schema=False)


def fits(kind: TokenKind, scope: Scope) -> bool:
    """Whether a request's token is of this kind. Nothing is verified: that is the route's."""
    return kind is TokenKind.ANY or kind is _kind_of(scope)


def refusal(status: int, message: str, detail: Sequence[str] = ()) -> JSONResponse:
    """An error as the existing client shows it."""
    return JSONResponse({"message": message, "detail": list(detail)}, status)


def told_problem(problem: Problem) -> JSONResponse:
    """A problem in the existing client's words."""
    answer = refusal(
        problem.status, problem.detail, [f"{place}: {what}" for place, what in problem.errors]
    )
    answer.headers.update(problem.headers or {})
    return answer


def _kind_of(scope: Scope) -> TokenKind:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return _kind_of_token(value.partition(b" ")[2].strip())
    return TokenKind.PLATFORM


def _kind_of_token(token: bytes) -> TokenKind:
    parts = token.split(b".")
    if len(parts) == 3:
        try:
            claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + b"=="))
        except (binascii.Error, ValueError, msgspec.DecodeError):
            return TokenKind.PLATFORM
        if isinstance(claims, dict) and DEPLOYMENT_CLAIM in claims:
            return TokenKind.DEPLOYMENT
    return TokenKind.PLATFORM
