"""What the trainer's tests share: datasets on the bus and in the blobs, and a recipe of theirs.

The recipe is a plug-in, found as an installed one is: by the entry point of a distribution.
"""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from PIL import Image

from libs.schemas.events import (
    DatasetVersionChanged,
    ModelVersionChanged,
    RetrainingTriggered,
    State,
)
from libs.schemas.manifest import Annotation, ManifestAsset, write_manifest
from libs.schemas.values import ModelFile, TaskType, TrainingDataset
from tests.support.services import RunningServices
from tests.support.waiting import eventually

ENDED = ("SUCCESS", "FAILED", "CANCELED")
API = "/api/trainer/v1"

_RECIPE = """
import os, signal, sys, time
from pathlib import Path
from pydantic import Field
from services.trainer.recipes.base import Artifacts, RecipeParameters, TrainingCancelled
from services.trainer.recipes.base import TrainingRefused, not_learned


class Parameters(RecipeParameters):
    steps: int = Field(default=3, ge=1, le=10_000)
    pause: float = 0.0
    lines: int = 0
    dies_until: str = ""
    crashes: bool = False
    deaf: bool = False
    leaves: bool = False


class Patient:
    name, version, task, parameters = "patient", "7", "OBJECT_DETECTION", Parameters

    def fit(self, dataset, parameters, *, start, report, cache=None):
        chosen = Parameters.model_validate(parameters)
        missing = not_learned(dataset)
        print("printed by the recipe")
        report.log(f"{len(dataset.train)} {len(dataset.validation)} {len(dataset.old)}")
        report.log(f"start {start is not None}")
        report.log("secrets " + ",".join(n for n in os.environ if n.startswith("SIGHTLOOP_")))
        for n in range(chosen.lines):
            report.log(f"line {n} \\x00" + "x" * 100)
        if chosen.crashes:
            raise RuntimeError("the recipe is broken")
        if chosen.dies_until and not Path(chosen.dies_until).exists():
            Path(chosen.dies_until).write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        if chosen.leaves and os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        if chosen.deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for step in range(1, chosen.steps + 1):
            if report.cancelled():
                raise TrainingCancelled
            time.sleep(chosen.pause)
            val = {"map": 0.5} if step == chosen.steps else None
            report.progress(step, chosen.steps, loss=1 / step, rate=0.1, val=val, seconds_left=0.0)
        pictures = [item.picture.read_bytes() for item in dataset.train]
        return Artifacts(
            onnx=b"onnx of %d pictures" % len(pictures), checkpoint=b"npz",
            metrics={"map": 0.5, "lost": float("nan")},
            labelmap=dataset.labels, not_learned=missing,
        )


recipe = Patient()
"""


def install_recipe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the recipe `patient` an installed one, here and for processes started from here."""
    info = folder / "patient-7.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patient\nVersion: 7\n")
    (info / "entry_points.txt").write_text("[sightloop.recipes]\npatient = patient_recipe:recipe\n")
    (folder / "patient_recipe.py").write_text(_RECIPE)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))


def picture(seed: int, *, side: int = 64) -> tuple[bytes, tuple[float, float, float, float]]:
    """A PNG of noise with one bright square, and the square's box."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (side, side, 3), np.uint8)
    x, y = (int(v) for v in rng.integers(4, side // 2, 2))
    pixels[y : y + 20, x : x + 20] = (220, 60 + 40 * (seed % 2), 30)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue(), (float(x), float(y), 20.0, 20.0)


async def add_dataset(
    running: RunningServices,
    *,
    seeds: Sequence[int] = range(6),
    labels: Sequence[str] = ("bolt",),
    kind: TaskType = TaskType.OBJECT_DETECTION,
    settled: bool = True,
    organization: UUID | None = None,
) -> TrainingDataset:
    """A dataset version: pictures and manifest in the blobs, its state on the bus."""
    version = uuid4()
    assets = []
    for seed in seeds:
        content, box = picture(seed)
        sha256 = hashlib.sha256(content).hexdigest()
        key = f"feedback/test/{sha256}.png"
        await running.context.blobs.put(key, content, content_type="image/png")
        label = labels[seed % len(labels)]
        boxes = [] if kind is TaskType.CLASSIFICATION else [box]
        assets.append(
            ManifestAsset(
                data=uuid4(), filename=f"{seed}.png", picture=key, sha256=sha256,
                width=64, height=64, annotation=Annotation(labels=[label], boxes=boxes),
            )
        )  # fmt: skip
    header, content = write_manifest(version, assets, type=kind, labels=list(labels))
    manifest = f"feedback/test/manifests/{version}.jsonl.gz"
    await running.context.blobs.put(manifest, content, content_type="application/gzip")
    await running.publish(
        DatasetVersionChanged(
            dataset_version=version, dataset=uuid4(), revision=1, name="bolts", version="1",
            type=kind, state=State.ACTIVE, labels=list(labels), assets=len(assets),
            digest=header.digest if settled else None, manifest=manifest if settled else None,
        ),
        organization=organization,
    )  # fmt: skip
    return TrainingDataset(
        alias="new", dataset_version=version, digest=header.digest, manifest=manifest
    )


async def add_model_version(
    running: RunningServices,
    files: dict[str, bytes],
    *,
    labels: Sequence[str] = ("bolt",),
    kind: TaskType = TaskType.OBJECT_DETECTION,
) -> UUID:
    """A model version with some files."""
    version = uuid4()
    kept = []
    for name, content in files.items():
        key = f"deployer/test/{version}/{name}"
        info = await running.context.blobs.put(
            key, content, content_type="application/octet-stream"
        )
        kept.append(ModelFile(name=name, key=key, sha256=info.sha256 or "", size=info.size))
    await running.publish(
        ModelVersionChanged(
            model_version=version, model=uuid4(), revision=1, name="m", number=1,
            type=kind, framework="ONNX", state=State.ACTIVE,
            labels=list(labels), files=kept,
        )
    )  # fmt: skip
    return version


async def add_project(http: httpx.AsyncClient, name: str = "bolts") -> UUID:
    """A project."""
    answer = await http.post(f"{API}/projects", json={"name": name})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def add_experiment(
    running: RunningServices, dataset: TrainingDataset, **asked: Any
) -> dict[str, Any]:
    """An experiment by hand, in a project of its own."""
    project = await add_project(running.http, f"project {uuid4()}")
    body = {
        "name": "first",
        "datasets": [{"alias": "new", "dataset_version": str(dataset.dataset_version)}],
    }
    answer = await running.http.post(f"{API}/projects/{project}/experiments", json=body | asked)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def triggered(project: UUID, dataset: TrainingDataset, **other: Any) -> RetrainingTriggered:
    """A training that feedback asks for."""
    asked: dict[str, Any] = {
        "experiment": uuid4(), "deployment": uuid4(), "crossing": 1,
        "why": "2 of 2 reviewed since the last run", "name": "dock-20261121T120000Z",
        "project": project, "datasets": [dataset], "base_version": uuid4(),
        "target_model": uuid4(), "parameters": {"recipe": "patient"},
    }  # fmt: skip
    return RetrainingTriggered(**(asked | other))


async def get(running: RunningServices, experiment: object) -> dict[str, Any]:
    """An experiment as the interface shows it."""
    answer = await running.http.get(f"{API}/experiments/{experiment}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def ended(
    running: RunningServices, experiment: object, *, within: float = 120.0
) -> dict[str, Any]:
    """The experiment, once it has ended."""
    return await eventually(
        lambda: get(running, experiment), lambda e: e["status"] in ENDED, within=within
    )


async def jobs_settled(running: RunningServices) -> list[dict[str, Any]]:
    """The jobs, once none is waiting or running: a job ends a moment after its experiment."""

    async def look() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await running.http.get(f"{API}/jobs")).json()["items"]
        return listed

    def settled(jobs: list[dict[str, Any]]) -> bool:
        return not {job["state"] for job in jobs} & {"QUEUED", "RUNNING"}

    return await eventually(look, settled)


async def log_of(running: RunningServices, experiment: object) -> list[str]:
    """The texts of its log, from the start."""
    texts: list[str] = []
    after = 0
    while True:
        answer = await running.http.get(
            f"{API}/experiments/{experiment}/log", params={"after": after}
        )
        document = answer.json()
        assert [line["n"] for line in document["lines"]] == list(
            range(after + 1, after + 1 + len(document["lines"]))
        )
        texts += [line["text"] for line in document["lines"]]
        if document["next"] == after:
            return texts
        after = document["next"]
