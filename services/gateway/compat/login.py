"""The existing client's login: a token for one deployment, in exchange for the user's own."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.app import part
from libs.api.compat import compat_router
from libs.api.problems import Problem, not_found
from libs.api.scopes import Scope
from libs.api.tokens import BadToken, Claims, sign
from libs.schemas.events import State
from services.gateway.parts import Gateway

router = compat_router()
Parts = Annotated[Gateway, part(Gateway)]

LIFETIME = timedelta(hours=1)
# What monitoring and serving need: not what else the user's token may do.
_SCOPES = frozenset({Scope.PREDICTIONS_READ, Scope.PREDICTIONS_WRITE, Scope.DEPLOYMENTS_READ})


class LoginBody(BaseModel):
    """The user's token, and the deployment he will speak of."""

    api_token: Annotated[str, Field(min_length=1, max_length=8192)]
    deployment_id: UUID


# One for monitoring and one for serving; the client logs in to both on their own.
@router.post("/api/auth/login")
@router.post("/api/login")
async def log_in(parts: Parts, body: LoginBody) -> dict[str, Any]:
    """A token for one deployment, for an hour. Nothing is stored: a list of deployments is as
    many logins."""
    try:
        claims = parts.verifier.verify(body.api_token)
    except BadToken as error:
        raise Problem(401, "bad-token", str(error)) from error
    if claims.organization is None:
        raise Problem(401, "bad-token", "a service's token is no login")
    key = str(body.deployment_id)
    known = await parts.deployments.wait_for(key, timeout=parts.settings.deployment_wait)
    if (
        known is None
        or known.organization != claims.organization
        or known.data.state is State.DELETED
    ):
        raise not_found(f"deployment {body.deployment_id}")
    now = parts.clock.now()
    until = now + LIFETIME
    if claims.expires is not None:
        until = min(until, claims.expires)
    token = Claims(
        token=claims.token,
        name=claims.name,
        organization=claims.organization,
        scopes=claims.scopes & _SCOPES,
        expires=until,
        deployment=body.deployment_id,
    )
    return {"jwt": sign(token, parts.key, now=now), "expires": until}
