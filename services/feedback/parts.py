"""What the routes, consumers and workers of feedback share."""

from dataclasses import dataclass
from uuid import UUID

import httpx

from libs.blobs.blobs import Blobs
from libs.blobs.thumbnails import Thumbnails
from libs.bus.table import Table
from libs.schemas.events import DeploymentChanged, State
from libs.store.clock import Clock
from libs.store.session import Database
from services.feedback.errors import DeploymentUnknown
from services.feedback.settings import FeedbackSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The feedback service's parts. `internal_url`: where the Datalake is asked."""

    settings: FeedbackSettings
    clock: Clock
    database: Database
    blobs: Blobs
    thumbnails: Thumbnails
    deployments: Table[DeploymentChanged]
    http: httpx.AsyncClient
    internal_url: str

    def find_deployment(self, organization: UUID, deployment: UUID) -> DeploymentChanged | None:
        """A deployment as it is known now; None for a deleted one and for another's."""
        found = self.deployments.get(str(deployment))
        if found is None or found.organization != organization:
            return None
        return None if found.data.state is State.DELETED else found.data

    async def deployment(self, organization: UUID, deployment: UUID) -> DeploymentChanged:
        """A deployment; one made a moment ago is waited for.

        Raises:
            DeploymentUnknown: also for a deleted one, and for another organisation's.
        """
        if self.deployments.get(str(deployment)) is None:
            await self.deployments.wait_for(str(deployment), timeout=self.settings.deployment_wait)
        found = self.find_deployment(organization, deployment)
        if found is None:
            raise DeploymentUnknown(f"there is no deployment {deployment}")
        return found
