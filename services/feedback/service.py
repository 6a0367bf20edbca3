"""The feedback service, composed."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from libs.api.jobs import job_routes
from libs.api.scopes import Scope
from libs.api.tags import tag_routes
from libs.blobs.thumbnails import Thumbnails
from libs.bus.consumer import Consumer, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import load
from libs.schemas.events import (
    AlertFired,
    DataDeleted,
    DeploymentChanged,
    ExperimentFinished,
    PredictionDeleted,
    PredictionReviewed,
    PredictionSubmitted,
)
from libs.store.schema import Schema
from libs.store.workers import JobKind
from services.feedback import compat, consumers
from services.feedback.api import routers
from services.feedback.parts import Feedback
from services.feedback.settings import FeedbackSettings
from services.feedback.tables import metadata, tags
from services.feedback.workers import additions, copies, erasures, imports, submissions, upkeep

SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")
# A blob store that is away for half an hour loses no submission: pauses of 2, 4, … 512 s.
_PATIENT = 10


def build(context: Context) -> Service:
    """Feedback: datasets, the loop that fills them, and when a training is due."""
    store = context.store("feedback", SCHEMA)
    settings = load(FeedbackSettings)
    parts = Feedback(
        settings=settings,
        clock=context.clock,
        database=store.database,
        blobs=context.blobs,
        thumbnails=Thumbnails(
            context.blobs, at_once=settings.thumbnails_at_once, max_pixels=settings.pixel_limit
        ),
        deployments=context.table(DeploymentChanged),
        http=context.http,
        internal_url=context.settings.internal_url.rstrip("/"),
    )
    return Service(
        name="feedback",
        parts=parts,
        routers=(
            *routers,
            job_routes("feedback", store.database, Scope.DATASETS_WRITE),
            tag_routes(
                "feedback",
                store.database,
                tags,
                read=Scope.DATASETS_READ,
                write=Scope.DATASETS_WRITE,
            ),
        ),
        compat=compat.routers,
        consumers=(
            Consumer(
                name="reviews",
                handlers=(
                    each(PredictionSubmitted, consumers.on_submitted),
                    each(PredictionReviewed, consumers.on_reviewed),
                    each(PredictionDeleted, consumers.on_prediction_deleted),
                ),
            ),
            Consumer(name="deletions", handlers=(each(DataDeleted, consumers.on_data_deleted),)),
            Consumer(name="alerts", handlers=(each(AlertFired, consumers.on_alert_fired),)),
            Consumer(
                name="experiments",
                handlers=(each(ExperimentFinished, consumers.on_experiment_finished),),
            ),
        ),
        loops=(Loop(name="upkeep", run=partial(upkeep.keep_settled, parts)),),
        jobs=(
            JobKind(
                name=submissions.KIND,
                run=partial(submissions.submit, parts),
                limit=timedelta(minutes=5),
                attempts=_PATIENT,
                concurrency=2,
            ),
            JobKind(
                name=imports.KIND,
                run=partial(imports.import_coco, parts),
                limit=timedelta(hours=4),
            ),
            JobKind(
                name=imports.ARCHIVE_KIND,
                run=partial(imports.import_archive, parts),
                limit=timedelta(hours=4),
            ),
            JobKind(
                name=additions.KIND,
                run=partial(additions.add_images, parts),
                limit=timedelta(hours=1),
            ),
            JobKind(
                name=copies.KIND,
                run=partial(copies.copy_version, parts),
                limit=timedelta(hours=1),
            ),
            JobKind(
                name=erasures.KIND,
                run=partial(erasures.erase, parts),
                limit=timedelta(minutes=5),
                attempts=_PATIENT,
            ),
        ),
        store=store,
    )
