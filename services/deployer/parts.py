"""What the routes, consumers, jobs and loops of the deployer share."""

from dataclasses import dataclass

import httpx

from libs.blobs.blobs import Blobs
from libs.bus.table import Table
from libs.schemas.events import DatasetVersionChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.deployer.settings import DeployerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """The deployer's parts. `internal_url`: where the trainer is reached; `oracle_url` and
    `serving_url`: where the existing client is sent to."""

    settings: DeployerSettings
    clock: Clock
    database: Database
    blobs: Blobs
    http: httpx.AsyncClient
    internal_url: str
    oracle_url: str
    serving_url: str
    datasets: Table[DatasetVersionChanged]
