"""The ingest service, composed."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from libs.api.jobs import job_routes
from libs.api.scopes import Scope
from libs.blobs.thumbnails import Thumbnails
from libs.bus.coalescing import Room
from libs.bus.consumer import Consumer, batch, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import load
from libs.schemas.events import DeploymentChanged, PredictionDeleted, PredictionLogged
from libs.store.schema import Schema
from libs.store.workers import JobKind
from services.ingest import compat, consumers, workers
from services.ingest.actions.places import read_places
from services.ingest.api import MonitorFront, routers
from services.ingest.core.till import Till
from services.ingest.parts import Ingest
from services.ingest.settings import IngestSettings
from services.ingest.store.registrations import KIND
from services.ingest.tables import metadata

SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")


def build(context: Context) -> Service:
    """Ingest: monitor endpoint, Datalake, books."""
    settings = load(IngestSettings)
    # A place that cannot be one is told at the start, not to who first names it.
    read_places(settings)
    store = context.store("ingest", SCHEMA)
    parts = Ingest(
        settings=settings,
        clock=context.clock,
        database=store.database,
        blobs=context.blobs,
        sink=context.bus.sink,
        deployments=context.table(DeploymentChanged),
        till=Till(context.clock.now),
        public_url=context.settings.public_url.rstrip("/"),
        http=context.http,
        internal_url=context.settings.internal_url.rstrip("/"),
        room=Room(items=settings.waiting_limit, size=settings.waiting_bytes),
        pictures=asyncio.Semaphore(settings.pictures_at_once),
        thumbnails=Thumbnails(
            context.blobs, at_once=settings.thumbnails_at_once, max_pixels=settings.pixel_limit
        ),
    )
    return Service(
        name="ingest",
        parts=parts,
        routers=(*routers, job_routes("ingest", store.database, Scope.DATA_WRITE)),
        fronts=(
            partial(
                MonitorFront,
                parts=parts,
                verifier=context.verifier,
                traced=context.settings.otlp_endpoint is not None,
            ),
        ),
        compat=compat.routers,
        consumers=(
            # The row's key is the event's: no inbox. The books count what is sent again.
            Consumer(
                name="predictions",
                handlers=(
                    batch(
                        PredictionLogged,
                        consumers.on_logged,
                        inbox=False,
                        repeats=True,
                        on_dead=consumers.on_dead,
                    ),
                ),
            ),
            Consumer(name="deletions", handlers=(each(PredictionDeleted, consumers.on_deleted),)),
        ),
        loops=(
            Loop(name="books", run=partial(workers.keep_books, parts)),
            Loop(name="audit", run=partial(workers.audit_books, parts)),
            Loop(name="erasures", run=partial(workers.erase_pictures, parts)),
            Loop(name="uploads", run=partial(workers.clear_uploads, parts)),
        ),
        jobs=(
            JobKind(
                name=KIND,
                run=partial(workers.register_place, parts),
                limit=timedelta(days=7),
                # Every restart of the platform is an attempt.
                attempts=100,
                concurrency=2,
            ),
        ),
        store=store,
    )
