"""The serving service, composed. It has no database: its state is events, and files of its own."""

import hashlib
from functools import partial

from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import BadSettings, load
from libs.schemas.envelope import Received
from libs.schemas.events import DeploymentChanged
from services.serving import compat, workers
from services.serving.api import router
from services.serving.parts import IngestAddress, Serving
from services.serving.parts.shelf import Shelf
from services.serving.parts.threads import Threads
from services.serving.settings import ServingSettings
from services.serving.store.model_files import ModelFiles
from services.serving.store.spool import Spool


def build(context: Context) -> Service:
    """Serving: champion and shadow of every deployment, and the log of what they say."""
    settings = load(ServingSettings)
    platform = context.settings
    if platform.service_token is None:
        raise BadSettings("SIGHTLOOP_SERVICE_TOKEN: serving needs it to log what it predicts")
    folder = settings.cache.expanduser()
    parts = Serving(
        settings=settings,
        clock=context.clock,
        sink=context.bus.sink,
        deployments=context.table(DeploymentChanged),
        ingest=IngestAddress(
            url=(platform.monitor_url or platform.internal_url).rstrip("/"),
            token=platform.service_token.get_secret_value(),
            http=context.http,
        ),
        blobs=context.blobs,
        files=ModelFiles(folder, context.blobs, limit=settings.cache_limit),
        shelf=Shelf(limit=settings.loaded_deployments),
        # Entries of one installation are nothing to another that shares the folder.
        spool=Spool(
            folder / "spool",
            owner=hashlib.sha256(
                platform.token_public_key.get_secret_value().strip().encode()
            ).hexdigest()[:16],
            limit=settings.spool_limit,
        ),
        champions=Threads(
            "champion", size=settings.predictions_at_once, waiting=settings.predictions_waiting
        ),
        shadows=Threads("shadow", size=settings.shadows_at_once, waiting=settings.shadows_waiting),
    )

    def look(changed: Received[DeploymentChanged]) -> None:
        parts.shelf.ask(changed.data.deployment)

    parts.deployments.on_change.append(look)
    return Service(
        name="serving",
        parts=parts,
        routers=(router,),
        compat=(compat.router,),
        loops=(
            Loop(name="models", run=partial(workers.keep_loaded, parts)),
            Loop(name="news", run=partial(workers.tell, parts)),
            Loop(
                name="log",
                run=partial(workers.send_log, parts),
                health=partial(workers.health, parts),
            ),
        ),
        prepare=partial(workers.prepare, parts),
    )
