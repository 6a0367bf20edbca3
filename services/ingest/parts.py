"""What the routes, consumers and loops of ingest share."""

import asyncio
from dataclasses import dataclass

from libs.blobs.blobs import Blobs
from libs.bus.driver import Sink
from libs.bus.table import Table
from libs.schemas.events import DeploymentChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.ingest.core.till import Till
from services.ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """The ingest service's parts."""

    settings: IngestSettings
    clock: Clock
    database: Database
    blobs: Blobs
    sink: Sink
    deployments: Table[DeploymentChanged]
    pictures: asyncio.Semaphore
    till: Till
