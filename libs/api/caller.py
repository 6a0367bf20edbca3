"""Who asks, as a dependency: a route without a declared scope fails a test."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from libs.api.problems import Problem
from libs.api.scopes import Scope, roles_with
from libs.api.tokens import BadToken, Caller, Verifier

COOKIE = "sightloop_session"
CSRF_HEADER = "x-sightloop"
ORGANIZATION_HEADER = "x-sightloop-organization"
_KNOWN = 10_000
_SAFE = {"GET", "HEAD", "OPTIONS"}


def token_of(request: Request) -> str:
    """The token of a request: the header's, else the cookie's. Raises Problem 401 or 403."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        raise _unauthorized("a token is needed: Authorization: Bearer <token>")
    if request.method not in _SAFE and CSRF_HEADER not in request.headers:
        raise Problem(403, "missing-header", "with a cookie this needs the header X-Sightloop: 1")
    return cookie


def identify(request: Request, *, login: bool = False) -> Caller:
    """The caller of a request; a login's token is good only where `login`, for its deployment.

    Raises Problem 401 or 403.
    """
    verifier: Verifier = request.app.state.verifier
    try:
        claims = verifier.verify(token_of(request), login=login)
    except BadToken as error:
        raise _unauthorized(str(error)) from error
    organization = claims.organization
    if organization is None:
        try:
            organization = UUID(request.headers.get(ORGANIZATION_HEADER, ""))
        except ValueError:
            raise Problem(
                403, "missing-header", "a service's token needs X-Sightloop-Organization: <id>"
            ) from None
    return Caller(
        token=claims.token,
        name=claims.name,
        organization=organization,
        scopes=claims.scopes,
        expires=claims.expires,
        deployment=claims.deployment,
    )


def require(caller: Caller, scope: Scope) -> None:
    """Raises Problem 403 where the caller has not the scope; for routes whose body decides."""
    if scope not in caller.scopes:
        roles = ", ".join(roles_with(scope)) or "no role by default"
        raise Problem(
            403,
            "missing-scope",
            f"this needs the scope {scope} (roles that have it: {roles})",
            scope=scope,
        )


class _Needs:
    """A dependency that lets callers with a scope in."""

    def __init__(self, scope: Scope | None, *, login: bool = False) -> None:
        self.scope = scope
        self.login = login

    # A coroutine, though nothing is awaited: FastAPI runs plain functions in a thread.
    async def __call__(self, request: Request) -> Caller:
        caller = identify(request, login=self.login)
        asked = request.path_params.get("deployment")
        if caller.deployment is not None and asked not in (None, str(caller.deployment)):
            raise Problem(403, "another-deployment", f"this token is for {caller.deployment} only")
        if self.scope is not None:
            require(caller, self.scope)
        return caller


def needs(scope: Scope | None) -> Any:
    """`caller: Annotated[Caller, needs(Scope.X)]`; None: any valid token."""
    return Depends(_Needs(scope))


def logged_in(scope: Scope) -> Any:
    """As `needs`, and a login's token is good here too: for its own deployment."""
    return Depends(_Needs(scope, login=True))


class KnownCallers:
    """Callers by the bytes of their headers, for what answers before the router.

    Only those whose token the router's dependency has verified before: it answers the others,
    and says what is wrong.
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._callers: dict[tuple[bytes, bytes | None], Caller] = {}

    def find(self, authorization: bytes, organization: bytes | None) -> Caller | None:
        """The caller with these two headers; None: ask the router."""
        caller = self._callers.get((authorization, organization))
        if caller is None:
            caller = self._identify(authorization, organization)
            if caller is None:
                return None
            if len(self._callers) >= _KNOWN:
                self._callers.clear()
            self._callers[authorization, organization] = caller
        return None if self._verifier.ended(caller.token, caller.expires) else caller

    def _identify(self, authorization: bytes, organization: bytes | None) -> Caller | None:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        claims = self._verifier.known(token.strip()) if scheme.lower() == "bearer" else None
        if claims is None or claims.deployment is not None:
            return None
        named = claims.organization
        if named is None:
            try:
                named = UUID((organization or b"").decode("latin-1"))
            except ValueError:
                return None
        return Caller(
            token=claims.token,
            name=claims.name,
            organization=named,
            scopes=claims.scopes,
            expires=claims.expires,
        )


def declared_scope(dependency: Callable[..., Any] | None) -> Scope | bool | None:
    """What a dependency declares: a scope, True for any token, None: it declares nothing."""
    if isinstance(dependency, _Needs):
        return dependency.scope or True
    return None


AnyCaller = Annotated[Caller, needs(None)]


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "bad-token", detail, headers={"WWW-Authenticate": "Bearer"})
