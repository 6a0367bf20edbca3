"""The story: a champion goes live, a camera changes, the loop closes.

Every number in the report was observed through the public API; none is what a stage intended.
"""

from typing import Any

from sightloop.demo.api import until
from sightloop.demo.hands import (
    DEPLOYER,
    FEEDBACK,
    METRICS,
    TRAINER,
    counted_dashboard,
    experiment_done,
    job_done,
    last_of,
    log_traffic,
    seen_dashboard,
    training_shots,
    training_steps,
)
from sightloop.demo.mending import after, retraining, reviews, verdict
from sightloop.demo.play import Play, Stage


def teach(play: Play) -> dict[str, Any]:
    """A dataset of few pictures, and a champion trained on it."""
    api, world = play.api, play.world
    dataset = api.post(f"{FEEDBACK}/datasets", {"name": world.name})["id"]
    training, production = (
        api.post(
            f"{FEEDBACK}/datasets/{dataset}/versions",
            {"version": version, "type": "OBJECT_DETECTION", "labels": world.labels},
        )["id"]
        for version in ("training", "production")
    )
    job = api.import_coco(training, training_shots(play), world.labels)
    job_done(play, "feedback", job, "importing pictures and boxes", within=300)
    settled = until(
        lambda: api.get(f"{FEEDBACK}/versions/{training}"),
        lambda version: version["manifest"] is not None,
        what="the dataset version settles",
        within=120,
    )
    project = api.post(f"{TRAINER}/projects", {"name": f"{world.name} project"})["id"]
    experiment = api.post(
        f"{TRAINER}/projects/{project}/experiments",
        {
            "name": "champion",
            "datasets": [{"alias": "train", "dataset_version": training}],
            "parameters": world.parameters | training_steps(play, play.amounts.champion_steps),
        },
    )["id"]
    finished = experiment_done(play, experiment, "training the champion", within=600)
    model = api.post(f"{DEPLOYER}/models", {"name": world.name, "type": "OBJECT_DETECTION"})["id"]
    version = api.post(
        f"{DEPLOYER}/models/{model}/versions/from-experiment", {"experiment": experiment}
    )
    play.ids |= {
        "dataset": dataset, "training": training, "production": production, "project": project,
        "model": model, "champion": version["id"],
    }  # fmt: skip
    return {
        "pictures": settled["assets"],
        "objects": sum(settled["objects_per_label"].values()),
        "experiment": experiment,
        "status": finished["status"],
        "metrics": finished["metrics"],
        "champion": version["id"],
    }


def deploy(play: Play) -> dict[str, Any]:
    """The champion goes live, and the pipeline is set up around it."""
    api, ids = play.api, play.ids
    deployment = api.post(
        f"{DEPLOYER}/deployments", {"name": play.world.name, "model_version": ids["champion"]}
    )["id"]
    play.ids["deployment"] = deployment
    reference = api.put(
        f"{METRICS}/deployments/{deployment}/training-data", {"dataset_version": ids["training"]}
    )
    job_done(play, "metrics", reference["job"], "computing the reference", within=300)
    api.put(
        f"{FEEDBACK}/deployments/{deployment}/feedback-loop",
        {"active": True, "dataset_versions": [ids["production"]], "automatic": False},
    )
    steps = training_steps(play, play.amounts.retraining_steps)
    retraining_parameters = play.world.parameters | steps
    api.put(
        f"{FEEDBACK}/deployments/{deployment}/training",
        {
            "active": True,
            "project": ids["project"],
            "datasets": [
                {"alias": "reviewed", "dataset_version": ids["production"], "replay": False},
                {"alias": "original", "dataset_version": ids["training"], "replay": True},
            ],
            "threshold": play.amounts.reviews,
            "parameters": retraining_parameters,
            "cool_down": 0,
        },
    )
    api.put(
        f"{DEPLOYER}/deployments/{deployment}/delivery",
        {
            "active": True,
            "policy": "AUTO_PROMOTE",
            "verdict": {
                "alpha": 0.05, "delta": 0.02, "minimum": 20, "maximum": 2000, "uniform": 1.0,
                "block": None,
            },
        },
    )  # fmt: skip
    state = until(
        lambda: api.get(f"/api/serving/v1/deployments/{deployment}"),
        lambda serving: serving["champion"]["state"] == "loaded",
        what="serving loads the champion",
        within=180,
    )
    seen = api.get(f"{METRICS}/deployments/{deployment}/training-data")
    return {
        "deployment": deployment,
        "serving": state["champion"],
        "reference": {"state": seen["state"], "images": seen["images"]},
    }


def traffic(play: Play) -> dict[str, Any]:
    """Ordinary days: predictions arrive, nothing alarms."""
    log_traffic(play, play.amounts.clean, changed=False, what="predictions, as trained for")
    counted_dashboard(play)
    seen = until(
        lambda: seen_dashboard(play),
        lambda dashboard: dashboard["drift"] is not None,
        what="the pictures are compared with the reference",
        within=180,
    )
    return {
        "predictions": seen["predictions"],
        "latency_p95": last_of(seen["latency"]["champion"]["p95"]),
        "drift_alarm": seen["drift"]["alarm"],
        "drift_d": last_of(seen["drift"]["d"]),
        "drift_threshold": seen["drift"]["threshold"],
        "outlier_p50": last_of((seen["outlier"] or {}).get("p50", [])),
    }


def camera(play: Play) -> dict[str, Any]:
    """The camera changes: drift and outliers show it, before any label."""
    log_traffic(play, play.amounts.changed, changed=True, what="predictions, another camera")
    counted_dashboard(play)
    seen = until(
        lambda: seen_dashboard(play),
        lambda dashboard: bool(dashboard["drift"] and dashboard["drift"]["alarm"]),
        what="the drift alarm rings",
        within=180,
    )
    return {
        "predictions": seen["predictions"],
        "drift_alarm": seen["drift"]["alarm"],
        "drift_d": last_of(seen["drift"]["d"]),
        "drift_threshold": seen["drift"]["threshold"],
        "features_rejected": [f["name"] for f in seen["drift"]["features"] if f["rejected"]],
        "outlier_p50": last_of((seen["outlier"] or {}).get("p50", [])),
    }


STAGES: list[tuple[str, Stage]] = [
    ("1  A champion is trained on few pictures", teach),
    ("2  It goes live", deploy),
    ("3  Ordinary traffic", traffic),
    ("4  The camera changes", camera),
    ("5  A human reviews, the loop feeds the dataset", reviews),
    ("6  The threshold fires one training; its model runs as shadow", retraining),
    ("7  The verdict is reached and the shadow is promoted", verdict),
    ("8  Before and after", after),
]
