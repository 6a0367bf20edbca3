"""The metrics service, composed."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from libs.api.jobs import job_routes
from libs.api.scopes import Scope
from libs.bus.consumer import Consumer, batch, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import load
from libs.schemas.events import (
    DataDeleted,
    DatasetVersionChanged,
    DeploymentChanged,
    DrawClosed,
    ModelVersionChanged,
    PredictionDeleted,
    PredictionLogged,
    PredictionReviewed,
    PredictionShadowLogged,
    PredictionSkipped,
)
from libs.store.schema import Schema
from libs.store.workers import JobKind
from services.metrics import compat, consumers
from services.metrics.api import routers
from services.metrics.core.mirror import Mirrors
from services.metrics.core.supervised.pools import Pools
from services.metrics.parts import Metrics
from services.metrics.settings import MetricsSettings
from services.metrics.tables import metadata
from services.metrics.workers import alerts, following, live, reference, scoring

SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")


def build(context: Context) -> Service:
    """Metrics: rollups, references, outlier scores, drift, quality on reviewed images."""
    store = context.store("metrics", SCHEMA)
    settings = load(MetricsSettings)
    parts = Metrics(
        settings=settings,
        clock=context.clock,
        database=store.database,
        blobs=context.blobs,
        sink=context.bus.sink,
        deployments=context.table(DeploymentChanged),
        datasets=context.table(DatasetVersionChanged),
        models=context.table(ModelVersionChanged),
        mirrors=Mirrors(most=settings.mirror_bytes),
        pools=Pools(most=settings.pool_bytes),
    )
    return Service(
        name="metrics",
        parts=parts,
        routers=(*routers, job_routes("metrics", store.database, Scope.DEPLOYMENTS_WRITE)),
        compat=compat.routers,
        consumers=(
            # Logged predictions need no inbox: the row's key is the prediction's.
            Consumer(
                name="predictions",
                handlers=(
                    batch(PredictionLogged, partial(consumers.on_logged, parts), inbox=False),
                    each(PredictionShadowLogged, partial(consumers.on_shadow_logged, parts)),
                ),
            ),
            Consumer(
                name="reviews",
                handlers=(
                    each(PredictionReviewed, partial(consumers.on_reviewed, parts)),
                    each(PredictionDeleted, consumers.on_deleted),
                    each(PredictionSkipped, consumers.on_skipped),
                    each(DrawClosed, consumers.on_draw_closed),
                ),
            ),
            Consumer(name="data", handlers=(each(DataDeleted, consumers.on_data_deleted),)),
        ),
        loops=(
            Loop(name="live", run=partial(live.tell_browsers, parts)),
            Loop(name="references", run=partial(following.keep_references, parts)),
            Loop(name="scoring", run=partial(scoring.keep_scored, parts)),
            Loop(name="alerts", run=partial(alerts.keep_checked, parts)),
        ),
        jobs=(
            JobKind(
                name=reference.KIND,
                run=partial(reference.compute, parts),
                limit=timedelta(hours=2),
            ),
        ),
        store=store,
    )
