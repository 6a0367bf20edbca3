"""What the routes, consumers, loops and jobs of metrics share."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.blobs.blobs import Blobs
from libs.bus.driver import Sink
from libs.bus.table import Table
from libs.schemas.events import DatasetVersionChanged, DeploymentChanged, ModelVersionChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.metrics.core.basis import Basis
from services.metrics.core.mirror import Mirrors
from services.metrics.core.recent import Recent
from services.metrics.core.supervised.pools import Pools
from services.metrics.settings import MetricsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The metrics service's parts.

    `bases`, `qualities`, `documents`: what was computed lately. A document is kept under its
    ETag, which names deployment, range and how far every number is: all who watch a deployment
    ask for the same one when they are told that it moved. `mirrors`: rollups as last read; `pools`:
    reviewed images.
    `trying`: held while a backbone is tried.
    `rules_moved`: an alert rule was made or changed here, so the loop need not wait.
    `traces`: by deployment, the traceparent of the last prediction that was counted here and of
    which browsers are not told yet.
    """

    settings: MetricsSettings
    clock: Clock
    database: Database
    blobs: Blobs
    sink: Sink
    deployments: Table[DeploymentChanged]
    datasets: Table[DatasetVersionChanged]
    models: Table[ModelVersionChanged]
    mirrors: Mirrors
    pools: Pools
    trying: asyncio.Lock = field(default_factory=asyncio.Lock)
    rules_moved: asyncio.Event = field(default_factory=asyncio.Event)
    traces: dict[UUID, str] = field(default_factory=dict)
    bases: Recent[UUID, Basis] = field(default_factory=lambda: Recent(8))
    documents: Recent[str, bytes] = field(default_factory=lambda: Recent(32))
    qualities: Recent[tuple[object, ...], dict[str, Any]] = field(
        default_factory=lambda: Recent(128)
    )
