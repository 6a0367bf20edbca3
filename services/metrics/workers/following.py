"""References that follow: a new champion brings what it was trained on, a dataset its changes."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import structlog
from sqlalchemy import RowMapping

from libs.schemas.events import DeploymentChanged, State
from libs.store.faults import is_transient
from libs.store.jobs import FINISHED
from libs.store.leases import acquire
from libs.store.session import Tx
from services.metrics.actions.training import Origin, set_reference, take_champions
from services.metrics.parts import Metrics
from services.metrics.store import references

_SECONDS = 5.0
_LEASE = timedelta(seconds=30)
log = structlog.get_logger()


async def keep_references(parts: Metrics) -> None:
    """Ask for the references that are due, for as long as the process runs; one process does."""
    holder = uuid4()
    while True:
        try:
            async with parts.database.begin() as tx:
                if await acquire(tx, "references", holder=holder, duration=_LEASE):
                    for row in await references.every(tx):
                        await follow(parts, tx, row)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("references wait", error=str(error))
        await asyncio.sleep(_SECONDS)


async def follow(parts: Metrics, tx: Tx, row: RowMapping) -> None:
    """Ask for another reference where the champion or the dataset is another one now."""
    known = parts.deployments.get(str(row["deployment"]))
    if (
        known is None
        or known.organization != row["organization"]
        or known.data.state is State.DELETED
    ):
        return
    champion = known.data.champion
    if champion.version != row["champion"]:
        new = row["champion"] is not None and not row["pinned"]
        if new and champion.trained_on:
            await take_champions(tx, known.organization, known.data)
            return
        await references.keep_with(tx, known.organization, row["deployment"], champion.version)
    if row["origin"] == Origin.DATASET:
        await _follow_dataset(parts, tx, row, known.data)


async def _follow_dataset(
    parts: Metrics, tx: Tx, row: RowMapping, deployment: DeploymentChanged
) -> None:
    """Not more often than once in `reference_rest`: a feedback loop changes a version all day."""
    version = parts.datasets.get(str(row["dataset_version"]))
    if version is None or version.data.manifest is None or version.data.digest == row["digest"]:
        return
    rested = timedelta(seconds=parts.settings.reference_rest)
    if row["ready"] is None or row["job_state"] not in FINISHED:
        return
    if tx.clock.now() - row["ready"] >= rested:
        await set_reference(tx, row["organization"], deployment, version.data, pinned=row["pinned"])
