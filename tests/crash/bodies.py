"""Predictions and pictures to send, good ones and bad ones, drawn from a generator."""

import base64
import hashlib
import io
import json
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from PIL import Image

WIDTH, HEIGHT = 64, 48
LABELS = ("a", "b")
_PICTURES = 60


def new_id(rng: Random) -> str:
    """A random id of the generator."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def prediction(rng: Random, name: str) -> dict[str, Any]:
    """A valid prediction of an id, without a picture."""
    count = rng.randint(0, 4)
    return {
        "prediction_id": name,
        "filename": f"{name}.png",
        "content_type": "image/png",
        "height": HEIGHT,
        "width": WIDTH,
        "latency": round(rng.uniform(0.005, 0.05), 4),
        "source": rng.choice(["dock", "belt"]),
        "prediction": {
            "detection_classes": [rng.randrange(len(LABELS)) for _ in range(count)],
            "detection_scores": [round(rng.uniform(0.3, 1.0), 3) for _ in range(count)],
            "detection_boxes": [_box(rng) for _ in range(count)],
        },
    }


def invalid(rng: Random) -> dict[str, Any]:
    """A prediction that must be refused."""
    body = prediction(rng, new_id(rng))
    match rng.randrange(4):
        case 0:
            del body["filename"]
        case 1:
            body["latency"] = -1
        case 2:
            body["prediction"]["detection_scores"] = [0.5] * 7
        case _:
            body["prediction"] = {"detection_classes": ["cat"], "detection_scores": [1]}
    return body


@cache
def picture(number: int) -> bytes:
    """The picture of a number: small, and of other pixels than that of any other number."""
    random = Random(number)
    image = Image.frombytes("RGB", (WIDTH, HEIGHT), random.randbytes(WIDTH * HEIGHT * 3))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def any_picture(rng: Random) -> bytes:
    """One of some pictures: a few predictions share each."""
    return picture(rng.randrange(_PICTURES))


def sha256(data: bytes) -> str:
    """What identifies a picture."""
    return hashlib.sha256(data).hexdigest()


def with_picture(body: dict[str, Any], data: bytes) -> dict[str, Any]:
    """The prediction with its picture inside, as base64."""
    return body | {"image": base64.b64encode(data).decode()}


def parts_of(body: dict[str, Any]) -> dict[str, Any]:
    """The same as multipart: httpx's `files`."""
    data = base64.b64decode(body["image"])
    document = {name: value for name, value in body.items() if name != "image"}
    return {
        "prediction": (None, json.dumps(document), "application/json"),
        "image": (body["filename"], data, "image/png"),
    }


def review_shapes(rng: Random) -> dict[str, list[Any]]:
    """Ground truth: up to three boxes, as a review has them."""
    boxes = [
        [float(rng.randrange(20)), float(rng.randrange(20)), 12.0, 10.0]
        for _ in range(rng.randint(0, 3))
    ]
    return {"labels": [rng.choice(LABELS) for _ in boxes], "boxes": boxes}


def _box(rng: Random) -> list[float]:
    top, left = rng.uniform(0, 20), rng.uniform(0, 30)
    return [
        round(number, 2)
        for number in (top, left, top + rng.uniform(2, 20), left + rng.uniform(2, 30))
    ]
