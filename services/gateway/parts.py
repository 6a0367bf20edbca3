"""What the routes, consumers and loops of the gateway share."""

from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.api.tokens import Verifier
from libs.bus.driver import Bus, Sink
from libs.bus.table import Table
from libs.schemas.events import DeploymentChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.gateway.core.feed import Feed
from services.gateway.core.processes import Board
from services.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The gateway's parts."""

    settings: GatewaySettings
    clock: Clock
    database: Database
    key: Ed25519PrivateKey
    verifier: Verifier
    deployments: Table[DeploymentChanged]
    feed: Feed
    board: Board
    bus: Bus
    sink: Sink
    http: httpx.AsyncClient
    web: Path | None
    secure_cookies: bool
    public_url: str
