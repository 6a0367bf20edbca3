"""What the routes, consumers and loops of ingest share."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from libs.blobs.blobs import Blobs
from libs.blobs.thumbnails import Thumbnails
from libs.bus.coalescing import Coalescer, Room
from libs.bus.driver import Sink
from libs.bus.table import Table
from libs.schemas.events import DeploymentChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.ingest.core.accepted import Accepted
from services.ingest.core.till import Till
from services.ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """The ingest service's parts. `internal_url`: where tags of other services' things are asked.

    `desks`: what is accepted and not on the bus yet, by deployment; together they share `room`.
    """

    settings: IngestSettings
    clock: Clock
    database: Database
    blobs: Blobs
    sink: Sink
    deployments: Table[DeploymentChanged]
    pictures: asyncio.Semaphore
    thumbnails: Thumbnails
    till: Till
    public_url: str
    http: httpx.AsyncClient
    internal_url: str
    room: Room
    desks: dict[UUID, Coalescer[Accepted]] = field(default_factory=dict)
