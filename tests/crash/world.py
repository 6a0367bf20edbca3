"""What is made before anything goes wrong: deployments, a dataset, a loop, a training."""

from dataclasses import dataclass

from sightloop.demo.api import Api
from tests.crash.bodies import LABELS
from tests.support.models import tiny_detector

INGEST, METRICS, REVIEW = "/api/ingest/v1", "/api/metrics/v1", "/api/review/v1"
FEEDBACK, TRAINER = "/api/feedback/v1", "/api/trainer/v1"
THRESHOLD = 8
# Refused as soon as a worker takes it up: each crossing costs an experiment, and no training.
_IMPOSSIBLE = {"validation_share": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Two deployments with a dataset version each.

    `manual`: its reviews are submitted by hand, and every `THRESHOLD` of them ask for a
    training. `automatic`: each review is submitted as it is saved.
    """

    manual: str
    automatic: str
    versions: dict[str, str]

    @property
    def deployments(self) -> tuple[str, str]:
        return self.manual, self.automatic


def make_world(api: Api) -> World:
    """Make it, through the public interface."""
    manual, automatic = (tiny_detector(api, name=name, labels=LABELS) for name in ("one", "two"))
    dataset = api.post(f"{FEEDBACK}/datasets", {"name": "from production"})["id"]
    versions = {
        deployment: api.post(
            f"{FEEDBACK}/datasets/{dataset}/versions",
            {"version": name, "type": "OBJECT_DETECTION", "labels": list(LABELS)},
        )["id"]
        for name, deployment in (("one", manual), ("two", automatic))
    }
    for deployment, version in versions.items():
        api.put(
            f"{FEEDBACK}/deployments/{deployment}/feedback-loop",
            {
                "active": True,
                "automatic": deployment == automatic,
                "dataset_versions": [version],
            },
        )
    project = api.post(f"{TRAINER}/projects", {"name": "crossings"})["id"]
    api.put(
        f"{FEEDBACK}/deployments/{manual}/training",
        {
            "active": True,
            "project": project,
            "datasets": [{"alias": "new", "dataset_version": versions[manual]}],
            "threshold": THRESHOLD,
            "parameters": _IMPOSSIBLE,
        },
    )
    return World(manual=manual, automatic=automatic, versions=versions)
