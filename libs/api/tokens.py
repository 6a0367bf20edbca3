"""Tokens: signed by the gateway, verified by every service without asking it.

A signed token is a JWT (Ed25519) with id, organisation, name, scopes and expiry. An opaque one
(`SIGHTLOOP_BOOTSTRAP_TOKEN`) is known by the SHA-256 that travels on the tokens topic.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from libs.api.scopes import Scope, read_scopes, write_scopes
from libs.schemas.events import TokenChanged
from libs.store.clock import Clock

DEPLOYMENT_CLAIM = "dep"
_ISSUER = "sightloop"
_CACHED = 10_000


class BadToken(Exception):
    """No token, or one that is forged, expired or revoked: which, is in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `organization` is the only one whose rows he sees.

    A service's own token has no organisation: it names one with each request
    (`X-Sightloop-Organization`). `deployment`: the only one that a login's token is good for.
    """

    token: UUID
    name: str
    organization: UUID
    scopes: frozenset[Scope]
    expires: datetime | None
    deployment: UUID | None = None

    @property
    def actor(self) -> str:
        """As events and audit name him."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says. `organization` None: a service's own.

    `deployment`: a login's token, which carries the id of the token that logged in: it is
    revoked with it.
    """

    token: UUID
    name: str
    organization: UUID | None
    scopes: frozenset[Scope]
    expires: datetime | None
    deployment: UUID | None = None


def digest(token: str) -> str:
    """What is stored of a token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_private_key(pem: str) -> Ed25519PrivateKey:
    """The gateway's signing key. Raises ValueError for anything but Ed25519 in PEM."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the signing key is not an Ed25519 key")
    return key


def read_public_key(pem: str) -> Ed25519PublicKey:
    """The key that services verify with. Raises ValueError for anything but Ed25519 in PEM."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the verifying key is not an Ed25519 key")
    return key


def sign(claims: Claims, key: Ed25519PrivateKey, *, now: datetime) -> str:
    """The token for some claims."""
    body: dict[str, object] = {
        "iss": _ISSUER,
        "jti": str(claims.token),
        "sub": claims.name,
        "org": str(claims.organization) if claims.organization else None,
        "scope": write_scopes(claims.scopes),
        "iat": int(now.timestamp()),
    }
    if claims.expires is not None:
        body["exp"] = int(claims.expires.timestamp())
    if claims.deployment is not None:
        body[DEPLOYMENT_CLAIM] = str(claims.deployment)
    return jwt.encode(body, key, algorithm="EdDSA")


class Verifier:
    """Verifies tokens with the public key and what the tokens topic said; caches what it found.

    A forged or expired token costs a signature check (0.14 ms), a known one a look-up.
    """

    def __init__(self, key: Ed25519PublicKey, *, clock: Clock) -> None:
        self._key = key
        self._clock = clock
        self._seen: OrderedDict[str, Claims] = OrderedDict()
        self._revoked: set[UUID] = set()
        self._opaque: dict[str, Claims] = {}

    def learn(self, organization: UUID, changed: TokenChanged) -> None:
        """Take in what the tokens topic says."""
        if changed.revoked:
            self._revoked.add(changed.token)
        elif changed.opaque is not None:
            self._opaque[changed.opaque.sha256] = Claims(
                token=changed.token,
                name=changed.opaque.name,
                organization=organization,
                scopes=frozenset(Scope(scope) for scope in changed.opaque.scopes),
                expires=changed.opaque.expires,
            )

    def verify(self, token: str, *, login: bool = False) -> Claims:
        """What the token says; one that a login made for a deployment only where `login`.

        Raises BadToken.
        """
        claims = self._seen.get(token)
        if claims is None:
            claims = self._opaque.get(digest(token)) or self._decode(token)
            self._seen[token] = claims
            if len(self._seen) > _CACHED:
                self._seen.popitem(last=False)
        if ended := self.ended(claims.token, claims.expires):
            raise BadToken(ended)
        if claims.deployment is not None and not login:
            raise BadToken(f"this token is for deployment {claims.deployment}, and not for this")
        return claims

    def known(self, token: str) -> Claims | None:
        """What a token says that was verified here before; it may have ended since (`ended`)."""
        return self._seen.get(token)

    def ended(self, token: UUID, expires: datetime | None) -> str | None:
        """Why a token is not good any more; None while it is."""
        if expires is not None and expires <= self._clock.now():
            return "the token has expired"
        return "the token has been revoked" if token in self._revoked else None

    def _decode(self, token: str) -> Claims:
        try:
            body = jwt.decode(
                token,
                self._key,
                algorithms=["EdDSA"],
                issuer=_ISSUER,
                options={"verify_exp": False, "verify_iat": False, "require": ["jti", "sub"]},
            )
            expires = body.get("exp")
            deployment = body.get(DEPLOYMENT_CLAIM)
            return Claims(
                token=UUID(body["jti"]),
                name=str(body["sub"]),
                organization=UUID(body["org"]) if body.get("org") else None,
                scopes=read_scopes(str(body.get("scope", ""))),
                expires=None
                if expires is None
                else datetime.fromtimestamp(int(expires), tz=self._clock.now().tzinfo),
                deployment=UUID(deployment) if deployment else None,
            )
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise BadToken("the token is not one of ours") from error
