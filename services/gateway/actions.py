"""Making tokens, and the first ones of all."""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.api.scopes import ROLES, Role, Scope
from libs.api.tokens import Claims, digest, sign
from libs.schemas.envelope import Meta, encode
from libs.schemas.events import TokenChanged
from libs.schemas.events.platform import OpaqueToken
from libs.schemas.ids import derived, uuid7
from libs.store.session import Cause, Tx
from services.gateway import store
from services.gateway.parts import Gateway

ADMIN = ROLES[Role.ADMIN]
# Who runs the platform on his own machine may also see to its bus.
OPERATOR = ADMIN | {Scope.OPERATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new token; its text is not kept anywhere."""

    id: UUID
    text: str
    created: datetime
    expires: datetime | None


async def issue(
    parts: Gateway,
    tx: Tx,
    organization: UUID,
    *,
    name: str,
    scopes: frozenset[Scope],
    lifetime: timedelta | None,
    member: UUID | None = None,
) -> Issued:
    """Sign a token and keep its hash."""
    now = parts.clock.now()
    expires = None if lifetime is None else now + lifetime
    token_id = uuid7(now)
    claims = Claims(
        token=token_id, name=name, organization=organization, scopes=scopes, expires=expires
    )
    text = sign(claims, parts.key, now=now)
    await store.add_token(
        tx,
        {
            "id": token_id,
            "organization": organization,
            "member": member,
            "name": name,
            "sha256": digest(text),
            "scopes": sorted(scopes),
            "created": now,
            "expires": expires,
        },
    )
    return Issued(id=token_id, text=text, created=now, expires=expires)


async def prepare(parts: Gateway) -> None:
    """Make the organisation and the first admin token where there is none yet.

    The token is printed once, or it is the one of SIGHTLOOP_BOOTSTRAP_TOKEN. That one is known
    to this process, and on the bus for the others, before requests are answered.
    """
    name = parts.settings.organization
    given = parts.settings.bootstrap_token
    first: Issued | None = None
    async with parts.database.begin(Cause(actor="bootstrap")) as tx:
        known = await store.organizations(tx)
        organization = known[0]["id"] if known else derived("organization", name)
        made = not known and await store.add_organization(tx, organization, name)
        if given is None and made:
            first = await issue(
                parts, tx, organization, name="first admin", scopes=OPERATOR, lifetime=None
            )
    if given is not None:
        await _bootstrap(parts, organization, given.get_secret_value())
    if first is not None:
        sys.stdout.write(f"First admin token of {name} (shown once):\n{first.text}\n")
        sys.stdout.flush()


async def day_token(parts: Gateway) -> tuple[str, UUID]:
    """A fresh operator's token for a day, and its organisation (for the ready file)."""
    async with parts.database.begin(Cause(actor="bootstrap")) as tx:
        organization: UUID = (await store.organizations(tx))[0]["id"]
        issued = await issue(
            parts, tx, organization, name="start", scopes=OPERATOR, lifetime=timedelta(days=1)
        )
    return issued.text, organization


async def _bootstrap(parts: Gateway, organization: UUID, text: str) -> None:
    """Tell every verifier of the bootstrap token, at each start: its record may have been lost
    between the database and the bus. A revoked one stays revoked."""
    now = parts.clock.now()
    token_id = derived("token", organization, digest(text))
    async with parts.database.begin(Cause(actor="bootstrap")) as tx:
        await store.add_token(
            tx,
            {
                "id": token_id,
                "organization": organization,
                "member": None,
                "name": "bootstrap",
                "sha256": digest(text),
                "scopes": sorted(OPERATOR),
                "created": now,
                "expires": None,
            },
        )
        if await store.is_revoked(tx, organization, token_id):
            return
    opaque = OpaqueToken(
        sha256=digest(text), name="bootstrap", scopes=sorted(OPERATOR), expires=None
    )
    changed = TokenChanged(token=token_id, revision=1, revoked=False, opaque=opaque)
    meta = Meta(id=uuid7(now), source="/sightloop/gateway", time=now, organization=organization)
    await parts.sink.publish([encode(changed, meta)])
    parts.verifier.learn(organization, changed)
