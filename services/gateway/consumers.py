"""What the gateway does with events: the list of jobs."""

from libs.bus.consumer import OK, Outcome
from libs.schemas.envelope import Received
from libs.schemas.events import JobChanged
from libs.store.session import Tx
from services.gateway import store


async def on_job_changed(tx: Tx, event: Received[JobChanged]) -> Outcome:
    """Keep the newest state of a job."""
    await store.see_job(tx, event.organization, event.data, event.meta.time)
    return OK
