"""What the routes and loops of serving share."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from libs.blobs.blobs import Blobs
from libs.bus.driver import Sink
from libs.bus.table import Table
from libs.schemas.events import DeploymentChanged
from libs.store.clock import Clock
from services.serving.parts.awaited import Awaited
from services.serving.parts.shelf import Shelf
from services.serving.parts.threads import Threads
from services.serving.settings import ServingSettings
from services.serving.store.model_files import ModelFiles
from services.serving.store.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestAddress:
    """Where predictions are logged, and the token of this service."""

    url: str
    token: str
    http: httpx.AsyncClient

    def headers(self, organization: UUID) -> dict[str, str]:
        """A service's own token names the organisation with each request."""
        return {
            "Authorization": f"Bearer {self.token}",
            "X-Sightloop-Organization": str(organization),
        }


@dataclass(slots=True)
class Flow:
    """How the log flows. `since`: monotonic time of the first failure since the last success."""

    since: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The serving service's parts."""

    settings: ServingSettings
    clock: Clock
    sink: Sink
    deployments: Table[DeploymentChanged]
    ingest: IngestAddress
    blobs: Blobs
    files: ModelFiles
    shelf: Shelf
    spool: Spool
    champions: Threads
    shadows: Threads
    awaited: Awaited = field(default_factory=Awaited)
    flow: Flow = field(default_factory=Flow)
    background: set[asyncio.Task[None]] = field(default_factory=set)
