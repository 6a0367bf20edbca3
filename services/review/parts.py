"""What the routes, consumers and loops of review share."""

import asyncio
from dataclasses import dataclass, field

from libs.bus.table import Table
from libs.schemas.events import DeploymentChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.review.settings import ReviewSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """The review service's parts. `arrivals` is set when there may be something to draw."""

    settings: ReviewSettings
    clock: Clock
    database: Database
    deployments: Table[DeploymentChanged]
    arrivals: asyncio.Event = field(default_factory=asyncio.Event)
