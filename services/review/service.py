"""The review service, composed."""

from functools import partial
from pathlib import Path

from libs.bus.consumer import Consumer, batch, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import load
from libs.schemas.events import (
    DataDeleted,
    DeploymentChanged,
    PredictionLogged,
    PredictionShadowLogged,
    PredictionsScored,
    SubmissionSettled,
)
from libs.store.schema import Schema
from services.review import compat, consumers, workers
from services.review.api import routers
from services.review.parts import Reviews
from services.review.settings import ReviewSettings
from services.review.tables import metadata

SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")


def build(context: Context) -> Service:
    """Review: predicted assets, reviews, the lottery, submissions."""
    store = context.store("review", SCHEMA)
    parts = Reviews(
        settings=load(ReviewSettings),
        clock=context.clock,
        database=store.database,
        deployments=context.table(DeploymentChanged),
    )
    return Service(
        name="review",
        parts=parts,
        routers=routers,
        compat=compat.routers,
        consumers=(
            Consumer(
                name="predictions",
                handlers=(
                    # The row's key is the event's: no inbox.
                    batch(PredictionLogged, partial(consumers.on_logged, parts), inbox=False),
                    batch(PredictionShadowLogged, partial(consumers.on_shadow_logged, parts)),
                ),
            ),
            Consumer(name="scores", handlers=(batch(PredictionsScored, consumers.on_scored),)),
            Consumer(name="settlements", handlers=(each(SubmissionSettled, consumers.on_settled),)),
            Consumer(name="deletions", handlers=(each(DataDeleted, consumers.on_data_deleted),)),
            Consumer(
                name="deployments",
                handlers=(each(DeploymentChanged, consumers.on_deployment_changed),),
            ),
        ),
        loops=(Loop(name="draws", run=partial(workers.keep_drawing, parts)),),
        store=store,
    )
