"""What the gateway does with events: the list of jobs, and who is told of what."""

from libs.bus.consumer import OK, Drop, Outcome
from libs.schemas.envelope import Event, Received
from libs.schemas.events import JobChanged
from libs.schemas.ids import derived
from libs.store.session import Tx
from services.gateway import store
from services.gateway.core.delivery import (
    SEVERITIES,
    cloud_event,
    name_of,
    sentence,
    severity_of,
)
from services.gateway.parts import Gateway


async def on_job_changed(tx: Tx, event: Received[JobChanged]) -> Outcome:
    """Keep the newest state of a job."""
    await store.see_job(tx, event.organization, event.data, event.meta.time)
    return OK


async def on_told(parts: Gateway, tx: Tx, event: Received[Event]) -> Outcome:
    """Ask for one delivery for each receiver that wants the event, however often it is told."""
    data, organization = event.data, event.organization
    name, severity = name_of(data), severity_of(data)
    deployment = getattr(data, "deployment", None)
    receivers = [
        row
        for row in await store.receivers_of(tx, organization, name)
        if (not row["deployments"] or deployment in row["deployments"])
        and (
            severity is None
            or SEVERITIES.index(severity) >= SEVERITIES.index(row["least_severity"])
        )
    ]
    if not receivers:
        return Drop("nobody asks for it")
    known = None if deployment is None else parts.deployments.get(str(deployment))
    ours = known is not None and known.organization == organization
    text = sentence(data, deployment=known.data.name if known is not None and ours else None)
    body, now = cloud_event(data, event.meta), tx.clock.now()
    for row in receivers:
        await store.add_delivery(
            tx,
            {
                "id": derived("delivery", row["id"], event.meta.id),
                "organization": organization,
                "receiver": row["id"],
                "event": event.meta.id,
                "type": name,
                "deployment": deployment,
                "text": text,
                "body": body,
                "due": now,
                "created": now,
            },
        )
    return OK
