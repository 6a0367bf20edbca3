"""The client: one server, one token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sightloop_sdk import calls, watching
from sightloop_sdk.datalake import Datalake
from sightloop_sdk.datasets import Datasets
from sightloop_sdk.deployment import Deployment
from sightloop_sdk.experiments import Experiments
from sightloop_sdk.ids import Ref, id_of, is_id
from sightloop_sdk.listing import Listing, named
from sightloop_sdk.models import Models
from sightloop_sdk.record import Target
from sightloop_sdk.transport import Access, Retry, Transport
from sightloop_sdk.values import Change, DeploymentInfo, Me

if TYPE_CHECKING:
    from typing_extensions import Self

DEPLOYMENTS = "/api/deployer/v1/deployments"
_PAGE = 200


class Client:
    """A Sightloop server. Safe under threads and fork; close it, or use it in `with`.

    `url` and `token` by default from SIGHTLOOP_URL and SIGHTLOOP_TOKEN. `timeout`: seconds of a
    request. `retry`: how often a call that may be repeated is tried.

    Raises:
        NotConfigured: no address or no token.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retry: Retry | None = None,
    ) -> None:
        access = Access.find(url, token)
        self._transport = Transport(access, timeout=timeout, retry=retry or Retry())
        self.data = Datalake(self._transport)
        self.datasets = Datasets(self._transport)
        self.models = Models(self._transport)
        self.experiments = Experiments(self._transport, self.models)

    def __repr__(self) -> str:
        return f"Client({self._transport.access.url!r})"

    def me(self) -> Me:
        """Whose token this is, and what it may do."""
        return self._transport.ask(calls.get("/api/gateway/v1/me", Me))

    def deployments(self) -> Listing[DeploymentInfo]:
        """All deployments, the newest first."""
        return Listing(
            self._transport,
            lambda cursor: calls.page(DEPLOYMENTS, DeploymentInfo, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def deployment(
        self,
        name_or_id: Ref,
        *,
        task: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> Deployment:
        """Open a deployment. By its id nothing is asked of the server yet.

        `task`, `labels`: given, they need not be asked either: for machines that start offline.

        Raises:
            NotThere: there is none of this name; the message says which there are.
        """
        target = Target(task, None if labels is None else tuple(labels))
        if is_id(name_or_id):
            one = id_of(name_or_id, "deployment")
            return Deployment(self._transport, one, known=None, target=target)
        known = named(iter(self.deployments()), name_or_id, "deployment")
        return Deployment(self._transport, known.id, known=known, target=target)

    def deploy(
        self,
        name: str,
        model_version: Ref,
        *,
        threshold: float | None = None,
        shadow_model_version: Ref | None = None,
        sample_rate: float = 1.0,
        retention_days: int | None = None,
    ) -> Deployment:
        """Make a deployment of a model version, perhaps with a shadow beside it."""
        shadow = shadow_model_version
        body = {
            "name": name,
            "model_version": str(id_of(model_version, "model_version")),
            "threshold": threshold,
            "shadow_model_version": None if shadow is None else str(id_of(shadow, "shadow")),
            "sample_rate": sample_rate,
            "retention_days": retention_days,
        }
        known = self._transport.ask(calls.send("POST", DEPLOYMENTS, DeploymentInfo, body=body))
        return Deployment(self._transport, known.id, known=known, target=Target())

    def watch(self, deployment: Ref | None = None) -> Iterator[Change]:
        """What changes, as it happens, without end; of one deployment or of all."""
        of = None if deployment is None else id_of(deployment, "deployment")
        return watching.changes(self._transport, of)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
