"""A model to deploy where it does not matter what it says."""

import json

from sightloop.demo.api import Api

DEPLOYER = "/api/deployer/v1"


def tiny_detector(api: Api, *, name: str = "tiny", labels: tuple[str, ...] = ("a", "b")) -> str:
    """A deployment of a version that runs at the client's; returns its id."""
    model = api.post(f"{DEPLOYER}/models", {"name": name, "type": "OBJECT_DETECTION"})["id"]
    version = api.post(
        f"{DEPLOYER}/models/{model}/versions",
        files={"version": (None, json.dumps({"labels": list(labels)}), "application/json")},
    )["id"]
    made: str = api.post(f"{DEPLOYER}/deployments", {"name": name, "model_version": version})["id"]
    return made
