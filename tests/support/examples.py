"""One example of every event, fixed for good: committed beside its schema."""
# ruff: noqa: E501  # examples read better a line each

from datetime import UTC, datetime
from uuid import UUID

from libs.schemas import events as e
from libs.schemas.envelope import Event
from libs.schemas.events.platform import OpaqueToken
from libs.schemas.events.processes import ConsumerReport
from libs.schemas.ids import derived
from libs.schemas.values import (
    Artifact,
    DeployedModel,
    DrawnImage,
    Logged,
    ModelFile,
    Output,
    Picture,
    Review,
    ReviewShapes,
    Shapes,
    Start,
    TaskType,
    TrainedOn,
    TrainingDataset,
)

TIME = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def example_id(name: str) -> UUID:
    """The same id for a name, always."""
    return derived("example", name)


ORGANIZATION = example_id("organization")
DEPLOYMENT = example_id("deployment")
PREDICTION = example_id("prediction")
DATA = example_id("data")
V1, V2 = example_id("v1"), example_id("v2")
EXPERIMENT = example_id("experiment")

picture = Picture(
    key="ingest/o/pictures/9f/x.jpg", sha256=SHA, size=18_211, content_type="image/jpeg"
)
champion_output = Output(
    version=V1,
    shapes=Shapes(classes=[1, 0], scores=[0.9, 0.4], boxes=[(10, 20, 30, 40), (5, 5, 9.5, 8)]),
    latency=0.021,
)
shadow_output = Output(
    version=V2,
    shapes=Shapes(classes=[1], scores=[0.95], boxes=[(11, 20, 30, 41)]),
    latency=0.019,
    assumed=True,
)
logged = Logged(
    deployment=DEPLOYMENT,
    prediction=PREDICTION,
    data=DATA,
    type=TaskType.OBJECT_DETECTION,
    champion=champion_output,
    shadow=shadow_output,
    filename="belt-000017.jpg",
    content_type="image/jpeg",
    width=640,
    height=480,
    source="line 3",
    tags=["night"],
    flags=["clipped_boxes"],
    metadata={"camera": "b"},
    event_time=TIME,
    receive_time=TIME,
    picture=picture,
)
review = Review(
    shapes=ReviewShapes(labels=["car"], boxes=[(10, 20, 31, 40)]),
    revision=1,
    reviewer="ada",
    reviewed_time=TIME,
    start=Start.BLANK,
    draw=example_id("draw"),
    pi=1.0,
)
trained_on = TrainedOn(
    alias="train", dataset_version=example_id("dataset version"), digest=SHA, manifest="feedback/m"
)
onnx = ModelFile(name="model-latest", key="deployer/models/x.onnx", sha256=SHA, size=2_800_000)
deployed = DeployedModel(
    version=V1,
    model=example_id("model"),
    name="dock detector",
    number=1,
    threshold=0.4,
    labels=["person", "car"],
    onnx=onnx,
    trained_on=[trained_on],
)
artifact = Artifact(name="model-latest", key="trainer/x/model.onnx", sha256=SHA, size=2_800_000)

_ALL: list[Event] = [
    e.PredictionLogged(logged=logged, boot=example_id("boot"), sequence=17),
    e.PredictionShadowLogged(
        deployment=DEPLOYMENT, prediction=PREDICTION, data=DATA, shadow=shadow_output,
        event_time=TIME, width=640, height=480,
    ),
    e.PredictionsScored(
        deployment=DEPLOYMENT,
        reference=example_id("reference"),
        scores=[e.Score(prediction=PREDICTION, outlier=0.97, embedding=bytes(128))],
    ),
    e.PredictionReviewed(logged=logged, review=review),
    e.PredictionSkipped(
        deployment=DEPLOYMENT, prediction=PREDICTION, draw=example_id("draw"), pi=1.0, reason="blurred",
    ),
    e.PredictionSubmitted(logged=logged, review=review, targets=[trained_on.dataset_version]),
    e.PredictionDeleted(logged=logged, review=review, reason="asked by ada"),
    e.SubmissionSettled(
        deployment=DEPLOYMENT, prediction=PREDICTION, revision=1,
        dataset_version=trained_on.dataset_version, asset=example_id("asset"),
    ),
    e.DrawOpened(
        deployment=DEPLOYMENT, draw=example_id("draw"), number=3, population=1, uniform=1.0,
        images=[DrawnImage(prediction=PREDICTION, pi=1.0)], opened_time=TIME,
    ),
    e.DrawClosed(deployment=DEPLOYMENT, draw=example_id("draw"), served=1, chosen=1),
    e.DataRegistered(
        data=DATA, filename="a.jpg", width=640, height=480, source="upload", tags=["a"],
        picture=picture, event_time=TIME,
    ),
    e.DataChanged(data=DATA, revision=2, source="upload", tags=["a", "b"]),
    e.DataDeleted(data=DATA, picture=picture, erase=True),
    e.DeploymentChanged(
        deployment=DEPLOYMENT, revision=4, name="dock", type=TaskType.OBJECT_DETECTION,
        state=e.State.ACTIVE, champion=deployed, retention_days=90,
    ),
    e.DatasetVersionChanged(
        dataset_version=trained_on.dataset_version, dataset=example_id("dataset"), revision=9,
        name="dock", version="1", type=TaskType.OBJECT_DETECTION, state=e.State.ACTIVE,
        labels=["person", "car"], assets=150, annotated=150, objects_per_label={"person": 3, "car": 900},
        digest=SHA, manifest="feedback/manifests/x.jsonl.gz",
    ),
    e.ModelVersionChanged(
        model_version=V1, model=example_id("model"), revision=1, name="dock detector", number=1,
        type=TaskType.OBJECT_DETECTION, framework="ONNX", state=e.State.ACTIVE,
        labels=["person", "car"], files=[onnx], trained_on=[trained_on], experiment=EXPERIMENT,
    ),
    e.RetrainingTriggered(
        experiment=EXPERIMENT, deployment=DEPLOYMENT, crossing=1, why="40 of 40 submitted",
        name="dock-20261121T120000Z", project=example_id("project"),
        datasets=[
            TrainingDataset(
                alias="train", dataset_version=trained_on.dataset_version, digest=SHA, manifest="feedback/m"
            )
        ],
        old=["old"], base_version=V1, target_model=example_id("model"), parameters={"steps": 300},
    ),
    e.ExperimentChanged(
        experiment=EXPERIMENT, revision=2, project=example_id("project"),
        name="dock-20261121T120000Z", status=e.ExperimentStatus.RUNNING, done=10, total=300,
        deployment=DEPLOYMENT,
    ),
    e.ExperimentLogged(experiment=EXPERIMENT, attempt=1, lines=12, metrics=["loss"]),
    e.ExperimentFinished(
        experiment=EXPERIMENT, name="dock-20261121T120000Z", status=e.ExperimentStatus.SUCCESS,
        artifacts=[artifact], labels=["person", "car"], metrics={"map_50": 0.88},
        trained_on=[trained_on], deployment=DEPLOYMENT, base_version=V1,
        target_model=example_id("model"),
    ),
    e.RolloutFinished(
        deployment=DEPLOYMENT, rollout=example_id("rollout"), action="PROMOTE", version=V2,
        previous=V1, reason="verdict BETTER after 31 reviews",
    ),
    e.VerdictReached(
        deployment=DEPLOYMENT, candidate=V2, champion=V1, verdict="BETTER", reviews=31,
        e_value=41.5, alpha=0.05, mean_difference=0.21, low=0.03, high=0.4, reached_time=TIME,
    ),
    e.AlertFired(
        alert=example_id("alert"), deployment=DEPLOYMENT, kind="metric", severity=e.Severity.WARNING,
        since=TIME, fired_time=TIME, text="p95 latency is above 0.5 s for 10 minutes",
        rule=example_id("rule"), metric="latency.p95", value=0.61, threshold=0.5,
    ),
    e.AlertResolved(
        alert=example_id("alert"), deployment=DEPLOYMENT, kind="metric", severity=e.Severity.WARNING,
        since=TIME, fired_time=TIME, resolved_time=TIME, text="p95 latency is below 0.45 s again",
        rule=example_id("rule"), metric="latency.p95", value=0.31, threshold=0.45,
    ),
    e.JobChanged(
        job=example_id("job"), service="metrics", kind="reference", revision=3,
        state=e.JobState.RUNNING, subject="training data of dock", done=50, total=150,
        message="embedding", attempt=1,
    ),
    e.TokenChanged(
        token=example_id("token"), revision=1, revoked=False,
        opaque=OpaqueToken(sha256=SHA, name="bootstrap", scopes=["operate"], expires=None),
    ),
    e.ProcessReported(
        process=example_id("process"), services=["review"], host="review-7c9", version="0.1.0",
        started_time=TIME, reported_time=TIME,
        consumers=[
            ConsumerReport(
                name="review.predictions", topics=["sightloop.predictions"], partitions=16, lag=12_000,
                ready=False, breaker_open=False, reason="review.predictions: 12000 records behind",
            )
        ],
    ),
    e.BreakerCloseAsked(process=example_id("process"), consumer="review.predictions"),
    e.ServingLoaded(deployment=DEPLOYMENT, version=V1, role="champion"),
    e.SeriesAdvanced(deployment=DEPLOYMENT, families=["volume", "latency"], until=TIME),
    e.ReferenceReady(
        deployment=DEPLOYMENT, reference=example_id("reference"),
        dataset_version=trained_on.dataset_version, images=150,
    ),
]  # fmt: skip

EXAMPLES: dict[str, Event] = {event.event_type: event for event in _ALL}
