"""What the tests of feedback make: pictures, deployments, reviewed predictions, COCO files."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from PIL import Image

from libs.blobs.blobs import Blobs
from libs.schemas.events import DeploymentChanged, PredictionReviewed, PredictionSubmitted, State
from libs.schemas.values import (
    DeployedModel,
    Logged,
    Output,
    Picture,
    Review,
    ReviewShapes,
    Shapes,
    Start,
    TaskType,
)
from tests.support.waiting import eventually

BASE = "/api/feedback/v1"
LABELS = ["car", "bus"]
_TIME = datetime(2026, 3, 1, tzinfo=UTC)


def png(shade: int, *, width: int = 64, height: int = 48) -> bytes:
    """A picture; another shade is other bytes."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (shade % 256, shade // 256, 7)).save(out, "PNG")
    return out.getvalue()


def bomb() -> bytes:
    """A small file that says it is a picture of 400 million pixels."""
    data = png(1)
    header = b"IHDR" + struct.pack(">II", 20_000, 20_000) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def deployment(labels: list[str] = LABELS, *, revision: int = 1) -> DeploymentChanged:
    """A deployed detector."""
    return DeploymentChanged(
        deployment=uuid4(),
        revision=revision,
        name="dock",
        type=TaskType.OBJECT_DETECTION,
        state=State.ACTIVE,
        champion=DeployedModel(
            version=uuid4(), model=uuid4(), name="detector", number=3, threshold=0.5, labels=labels
        ),
    )


async def logged(blobs: Blobs, where: DeploymentChanged, *, shade: int) -> Logged:
    """A logged prediction whose picture another service keeps."""
    data = png(shade)
    sha256 = hashlib.sha256(data).hexdigest()
    picture = Picture(
        key=f"ingest/pictures/{sha256}.png",
        sha256=sha256,
        size=len(data),
        content_type="image/png",
    )
    await blobs.put(picture.key, data, content_type="image/png")
    return Logged(
        deployment=where.deployment,
        prediction=uuid4(),
        data=uuid4(),
        type=where.type,
        champion=Output(
            version=where.champion.version,
            shapes=Shapes(classes=[0], scores=[0.9], boxes=[(1.0, 2.0, 3.0, 4.0)]),
            latency=0.1,
        ),
        filename=f"{shade}.png",
        content_type="image/png",
        width=64,
        height=48,
        source="test",
        event_time=_TIME,
        receive_time=_TIME,
        picture=picture,
    )


def review(label: str = "car", *, revision: int = 1) -> Review:
    """A review with one box."""
    return Review(
        shapes=ReviewShapes(labels=[label], boxes=[(5.0, 6.0, 7.0, 8.0)]),
        revision=revision,
        reviewer="ann",
        reviewed_time=_TIME,
        start=Start.CHAMPION,
        block="belt 1",
    )


def submitted(what: Logged, said: Review, *targets: UUID, **more: Any) -> PredictionSubmitted:
    return PredictionSubmitted(logged=what, review=said, targets=list(targets), **more)


def reviewed(what: Logged, said: Review) -> PredictionReviewed:
    return PredictionReviewed(logged=what, review=said)


def coco(names: list[str], *, categories: list[str] = LABELS) -> dict[str, Any]:
    """A COCO file: one box of the first category in each picture."""
    return {
        "images": [
            {"id": i, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(names)
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(categories)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 0, "bbox": [1.0, 2.0, 3.0, 4.0], "iscrowd": 0}
            for i in range(len(names))
        ],
    }


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of some files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


async def new_version(
    http: httpx.AsyncClient,
    *,
    labels: list[str] = LABELS,
    type: str = "OBJECT_DETECTION",  # noqa: A002
) -> UUID:
    """An empty version of a new data set."""
    made = await http.post(f"{BASE}/datasets", json={"name": f"set {uuid4()}"})
    assert made.status_code == 201, made.text
    body = {"version": "v1", "type": type, "labels": labels}
    version = await http.post(f"{BASE}/datasets/{made.json()['id']}/versions", json=body)
    assert version.status_code == 201, version.text
    return UUID(version.json()["id"])


async def import_coco(
    http: httpx.AsyncClient, version: UUID, document: object, files: dict[str, bytes] | bytes
) -> dict[str, Any]:
    """Import, and wait for the end: the job."""
    annotations = document if isinstance(document, bytes) else json.dumps(document).encode()
    images = files if isinstance(files, bytes) else zipped(files)
    asked = await http.post(
        f"{BASE}/versions/{version}/imports/coco",
        files={"annotations": ("coco.json", annotations), "images": ("images.zip", images)},
    )
    assert asked.status_code == 202, asked.text

    async def look() -> dict[str, Any]:
        job: dict[str, Any] = (await http.get(f"{BASE}/jobs/{asked.json()['job']}")).json()
        return job

    return await eventually(look, lambda job: job["state"] not in ("QUEUED", "RUNNING"))


async def get(http: httpx.AsyncClient, path: str) -> Any:
    """The JSON of a page that is there."""
    answer = await http.get(f"{BASE}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()
