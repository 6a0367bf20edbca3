"""Things that are really there, so that a generated request gets beyond `404`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sightloop.demo.api import Api, until
from tests.support.dock import LABELS, Dock
from tests.support.models import tiny_detector

_DEPLOYMENTS = 4
_PREDICTIONS = 3
_LISTS = {
    "deployment": "/api/deployer/v1/deployments",
    "model": "/api/deployer/v1/models",
    "dataset": "/api/feedback/v1/datasets",
    "version": "/api/feedback/v1/versions",
    "project": "/api/trainer/v1/projects",
    "data": "/api/ingest/v1/data",
}
"""Where the ids of a path's parameter are listed."""


def furnish(api: Api) -> Mapping[str, Sequence[str]]:
    """Make a few of everything; ids by the name of the path parameter they are for."""
    predictions: list[str] = []
    for number in range(_DEPLOYMENTS):
        dock = Dock(api, tiny_detector(api, name=f"fuzzed {number}", labels=LABELS))
        dock.log(_PREDICTIONS)
        predictions += [one["id"] for one in dock.predicted()]
    for number in range(2):
        dataset = api.post("/api/feedback/v1/datasets", {"name": f"fuzzed {number}"})["id"]
        version = {"version": "first", "type": "OBJECT_DETECTION", "labels": list(LABELS)}
        api.post(f"/api/feedback/v1/datasets/{dataset}/versions", version)
    api.post("/api/trainer/v1/projects", {"name": "fuzzed"})
    known = {name: _ids(api, path) for name, path in _LISTS.items()}
    return known | {"prediction": predictions}


def _ids(api: Api, path: str) -> list[str]:
    def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = api.get(path)["items"]
        return items

    return [one["id"] for one in until(listed, bool, what=f"{path} has items", within=60)]
