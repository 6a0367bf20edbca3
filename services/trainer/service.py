"""The trainer, composed."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from libs.api.jobs import job_routes
from libs.api.scopes import Scope
from libs.bus.consumer import Consumer, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import load
from libs.schemas.events import DatasetVersionChanged, ModelVersionChanged, RetrainingTriggered
from libs.store.schema import Schema
from libs.store.workers import JobKind
from services.trainer import compat, consumers
from services.trainer.api import routers
from services.trainer.core.telling import Telling
from services.trainer.parts import Trainer
from services.trainer.settings import TrainerSettings
from services.trainer.tables import metadata
from services.trainer.workers import settling, telling, training

SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")
# The run itself keeps the limit and counts what was lost; the worker's own are beyond both.
_MARGIN = timedelta(minutes=5)
_CLAIMS = 1_000


def build(context: Context) -> Service:
    """The trainer: projects, experiments, runs."""
    settings = load(TrainerSettings)
    store = context.store("trainer", SCHEMA)
    parts = Trainer(
        settings=settings,
        clock=context.clock,
        database=store.database,
        blobs=context.blobs,
        dataset_versions=context.table(DatasetVersionChanged),
        model_versions=context.table(ModelVersionChanged),
        telling=Telling(),
    )
    return Service(
        name="trainer",
        parts=parts,
        routers=(*routers, job_routes("trainer", store.database, Scope.EXPERIMENTS_WRITE)),
        compat=compat.routers,
        consumers=(
            # The row's key is the event's experiment: no inbox.
            Consumer(
                name="trainings",
                handlers=(each(RetrainingTriggered, consumers.on_triggered, inbox=False),),
            ),
        ),
        jobs=(
            JobKind(
                name="training",
                run=partial(training.train, parts),
                limit=timedelta(seconds=settings.time_limit) + _MARGIN,
                attempts=_CLAIMS,
                concurrency=settings.at_once,
            ),
        ),
        loops=(
            Loop(name="settling", run=partial(settling.settle, parts)),
            Loop(name="telling", run=partial(telling.tell, parts)),
        ),
        store=store,
    )
