"""The deployer, composed."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from libs.api.jobs import job_routes
from libs.api.scopes import Scope
from libs.api.tags import tag_routes
from libs.bus.consumer import Consumer, batch, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import load
from libs.schemas.events import (
    DatasetVersionChanged,
    DrawClosed,
    DrawOpened,
    ExperimentFinished,
    PredictionDeleted,
    PredictionReviewed,
    PredictionSkipped,
    ServingLoaded,
)
from libs.store.schema import Schema
from libs.store.workers import JobKind
from services.deployer import compat, consumers, workers
from services.deployer.actions.trials import LINEAGE_JOB
from services.deployer.api import routers
from services.deployer.parts import Deployer
from services.deployer.settings import DeployerSettings
from services.deployer.tables import metadata, tags

SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")


def build(context: Context) -> Service:
    """Deployer: models, deployments, roll-outs, verdicts."""
    store = context.store("deployer", SCHEMA)
    settings = load(DeployerSettings)
    parts = Deployer(
        settings=settings,
        clock=context.clock,
        database=store.database,
        blobs=context.blobs,
        http=context.http,
        internal_url=context.settings.internal_url,
        oracle_url=settings.oracle_url or context.settings.public_url,
        serving_url=settings.serving_url or context.settings.public_url,
        datasets=context.table(DatasetVersionChanged),
    )
    return Service(
        name="deployer",
        parts=parts,
        routers=(
            *routers,
            job_routes("deployer", store.database, Scope.ROLLOUTS_WRITE),
            tag_routes(
                "deployer", store.database, tags, read=Scope.MODELS_READ, write=Scope.MODELS_WRITE
            ),
        ),
        compat=compat.routers,
        consumers=(
            Consumer(
                name="reviews",
                handlers=(
                    each(DrawOpened, consumers.on_draw_opened),
                    each(DrawClosed, consumers.on_draw_closed),
                    batch(PredictionReviewed, consumers.on_reviewed),
                    each(PredictionSkipped, consumers.on_skipped),
                    each(PredictionDeleted, consumers.on_deleted),
                ),
            ),
            Consumer(
                name="experiments",
                handlers=(each(ExperimentFinished, consumers.on_experiment_finished),),
            ),
            Consumer(name="serving", handlers=(each(ServingLoaded, consumers.on_loaded),)),
        ),
        loops=(Loop(name="looks", run=partial(workers.look_on, parts)),),
        jobs=(
            JobKind(
                name=consumers.ADOPT_JOB,
                run=partial(workers.adopt, parts),
                limit=timedelta(minutes=30),
            ),
            JobKind(
                name=LINEAGE_JOB,
                run=partial(workers.read_lineage, parts),
                limit=timedelta(minutes=30),
            ),
        ),
        store=store,
    )
