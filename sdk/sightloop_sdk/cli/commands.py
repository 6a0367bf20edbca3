"""What the commands do."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from sightloop_sdk import reviewing
from sightloop_sdk.client import Client
from sightloop_sdk.errors import NotThere, SightloopError

_FILTERS = (
    "query",
    "status",
    "label",
    "outlier_min",
    "boxes_min",
    "since",
    "until",
    "sort",
    "order",
)


def upload(client: Client, chosen: Namespace) -> int:
    done = client.data.upload_many(
        chosen.paths, source=chosen.source, tags=chosen.tags, progress=chosen.progress
    )
    _print(done.data)
    for path, error in done.refused:
        print(f"{path}: {error}", file=sys.stderr)
    return 1 if done.refused else 0


def register(client: Client, chosen: Namespace) -> int:
    if chosen.place is None:
        return _print(client.data.places())
    done = client.data.register(
        chosen.place,
        chosen.path,
        source=chosen.source,
        tags=chosen.tags,
        timeout=chosen.timeout,
        progress=chosen.progress,
    )
    _print([done])
    for one in client.data.registration_errors(done):
        print(f"{one.name}: {one.error}", file=sys.stderr)
    return 1 if done.failed else 0


def predictions(client: Client, chosen: Namespace) -> int:
    given = {name: getattr(chosen, name) for name in _FILTERS}
    filters: Any = {name: value for name, value in given.items() if value is not None}
    found = client.deployment(chosen.deployment).predictions(**filters)
    _print(reviewing.row(one) for one in islice(iter(found), chosen.limit))
    return 0


def list_datasets(client: Client, _: Namespace) -> int:
    return _print(client.datasets.list())


def list_dataset_versions(client: Client, chosen: Namespace) -> int:
    return _print(client.datasets.versions(chosen.dataset))


def create_dataset_version(client: Client, chosen: Namespace) -> int:
    dataset, slash, version = chosen.version.rpartition("/")
    if not slash:
        raise SightloopError(f"name it as DATASET/VERSION, not {chosen.version!r}")
    try:
        client.datasets.get(dataset)
    except NotThere:
        client.datasets.create(dataset)
    made = client.datasets.create_version(dataset, version, task=chosen.task, labels=chosen.labels)
    return _print([made])


def import_dataset(client: Client, chosen: Namespace) -> int:
    done = client.datasets.import_coco(
        chosen.version, chosen.annotations, chosen.images, progress=chosen.progress
    )
    return _print([done])


def export_dataset(client: Client, chosen: Namespace) -> int:
    path = client.datasets.export_coco(chosen.version, chosen.folder)
    return _print([{"written": str(path)}])


def list_models(client: Client, _: Namespace) -> int:
    return _print(client.models.list())


def list_model_versions(client: Client, chosen: Namespace) -> int:
    return _print(client.models.versions(chosen.model))


def upload_model(client: Client, chosen: Namespace) -> int:
    try:
        model = client.models.get(chosen.model)
    except NotThere:
        if chosen.task is None:
            raise
        model = client.models.create(chosen.model, task=chosen.task)
    made = client.models.upload(model.id, chosen.onnx, labels=chosen.labels, name=chosen.name)
    return _print([made])


def download_model(client: Client, chosen: Namespace) -> int:
    path = client.models.download(chosen.version, chosen.to, file=chosen.file)
    return _print([{"written": str(path)}])


def watch(client: Client, chosen: Namespace) -> int:
    of = None if chosen.deployment is None else client.deployment(chosen.deployment).id
    for change in client.watch(of):
        _print([change])
        sys.stdout.flush()
    return 0


def _print(values: Iterable[Any]) -> int:
    for one in values:
        sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
    return 0
