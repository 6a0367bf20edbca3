"""The keys of an installation: the gateway signs with one half, every service verifies with the
other; serving has a token of its own that may log predictions and nothing else."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from libs.api.scopes import Scope
from libs.api.tokens import Claims, read_private_key, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """PEM texts and the token of the serving service."""

    signing_key: str
    public_key: str
    service_token: str

    def environment(self) -> dict[str, str]:
        """The variables that services read them from."""
        return {
            "SIGHTLOOP_GATEWAY_SIGNING_KEY": self.signing_key,
            "SIGHTLOOP_TOKEN_PUBLIC_KEY": self.public_key,
            "SIGHTLOOP_SERVICE_TOKEN": self.service_token,
        }


def make_keys(*, now: datetime) -> Keys:
    """New keys."""
    return _keys_of(Ed25519PrivateKey.generate(), now=now)


def keys_in(folder: Path, *, now: datetime) -> Keys:
    """The keys kept in a folder, made where there are none (readable by the owner only)."""
    path = folder / "signing-key.pem"
    if path.exists():
        return _keys_of(read_private_key(path.read_text()), now=now)
    keys = make_keys(now=now)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(keys.signing_key)
    return keys


def _keys_of(key: Ed25519PrivateKey, *, now: datetime) -> Keys:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = Claims(
        token=uuid4(),
        name="serving",
        organization=None,
        scopes=frozenset({Scope.PREDICTIONS_WRITE}),
        expires=None,
    )
    return Keys(
        signing_key=private.decode(),
        public_key=public.decode(),
        service_token=sign(claims, key, now=now),
    )
