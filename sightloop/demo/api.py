"""The demo speaks to the platform as any client does: over HTTP, with a token."""

import io
import json
import mimetypes
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import httpx

from sightloop.demo.world import Shot

T = TypeVar("T")


class DidNotHappen(Exception):
    """What a stage waits for did not come; the text says what was seen instead."""


class Refused(DidNotHappen):
    """The platform refused a request."""


class Api:
    """A client of the public API. Every answer that is no success raises Refused."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60.0
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path."""
        return self._checked(self._http.get(path, params=query)).json()

    def content(self, path: str) -> bytes:
        """The bytes at a path."""
        return self._checked(self._http.get(path)).content

    def post(self, path: str, body: Any = None, **rest: Any) -> Any:
        answer = self._checked(self._http.post(path, json=body, **rest))
        return answer.json() if answer.content else None

    def post_lines(self, path: str, lines: Sequence[bytes]) -> list[dict[str, Any]]:
        """Post NDJSON; the answer to each line."""
        answer = self._http.post(
            path, content=b"".join(lines), headers={"Content-Type": "application/x-ndjson"}
        )
        if answer.status_code in (429, 503):
            return [{"line": n, "status": 503} for n in range(len(lines))]
        return [json.loads(one) for one in self._checked(answer).content.splitlines()]

    def put(self, path: str, body: Any, **headers: str) -> Any:
        answer = self._checked(self._http.put(path, json=body, headers=headers))
        return answer.json() if answer.content else None

    def predict(self, deployment: str, shot: Shot, *, tags: list[str]) -> dict[str, Any]:
        """Let the platform's model look at a picture."""
        answer = self._http.post(
            f"/api/serving/v1/deployments/{deployment}/predict",
            files={"image": (shot.filename, shot.content, _type_of(shot.filename))},
            data={"source": "belt camera", "tags": tags},
        )
        result: dict[str, Any] = self._checked(answer).json()
        return result

    def import_coco(self, version: str, shots: Iterable[Shot], labels: list[str]) -> str:
        """Upload pictures and boxes into a dataset version; returns the job."""
        archive = io.BytesIO()
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
            for number, shot in enumerate(shots, start=1):
                packed.writestr(shot.filename, shot.content)
                images.append(
                    {
                        "id": number,
                        "file_name": shot.filename,
                        "width": shot.width,
                        "height": shot.height,
                    }
                )
                for label, box in zip(shot.labels, shot.boxes, strict=True):
                    annotations.append(
                        {
                            "id": len(annotations) + 1,
                            "image_id": number,
                            "category_id": labels.index(label) + 1,
                            "bbox": box,
                            "area": box[2] * box[3],
                            "iscrowd": 0,
                        }
                    )
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": n, "name": name} for n, name in enumerate(labels, start=1)],
        }
        answer = self._http.post(
            f"/api/feedback/v1/versions/{version}/imports/coco",
            files={
                "annotations": ("coco.json", json.dumps(document), "application/json"),
                "images": ("images.zip", archive.getvalue(), "application/zip"),
            },
        )
        job: str = self._checked(answer).json()["job"]
        return job

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        raise Refused(f"{answer.request.method} {answer.request.url.path}: {_said(answer)}")


def _type_of(filename: str) -> str:
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def _said(answer: httpx.Response) -> str:
    try:
        document = answer.json()
        return f"{answer.status_code} {document['detail']} {document.get('errors', '')}".strip()
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text[:200]}"


def until(
    look: Callable[[], T],
    good: Callable[[T], bool],
    *,
    what: str,
    within: float,
    seen: Callable[[T], None] | None = None,
) -> T:
    """Look again and again until it is good. Raises DidNotHappen after `within` seconds."""
    for found in _looks(look, within):
        if seen is not None:
            seen(found)
        if good(found):
            return found
    raise DidNotHappen(f"{what}: not within {within:.0f} s; last seen: {str(look())[:300]}")


def _looks(look: Callable[[], T], within: float) -> Iterator[T]:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        yield look()
        time.sleep(0.25)
