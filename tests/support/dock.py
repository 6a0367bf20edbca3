"""A deployment of a test's own on a running platform, and what it logged there."""

import base64
from dataclasses import dataclass
from typing import Any

from sightloop.demo.api import Api, until
from tests.support.marks import shot

LABELS = ("disc", "square")


@dataclass
class Dock:
    """A deployment of the test's own, and what it logged there."""

    api: Api
    id: str
    logged: int = 0

    @property
    def reviews(self) -> str:
        return f"/api/review/v1/deployments/{self.id}"

    def log(self, count: int) -> None:
        """Predictions with pictures, through the monitor endpoint: right but for a low score."""
        for number in range(self.logged, self.logged + count):
            seen = shot(number, changed=False, name=f"dock-{number:03d}.png")
            self.api.post(
                f"/api/ingest/v1/deployments/{self.id}/predictions",
                {
                    "filename": seen.filename,
                    "content_type": "image/png",
                    "height": seen.height,
                    "width": seen.width,
                    "latency": 0.02,
                    "image": base64.b64encode(seen.content).decode(),
                    "prediction": {
                        "detection_classes": [LABELS.index(one) for one in seen.labels],
                        "detection_scores": [0.9] * len(seen.labels),
                        "detection_boxes": [[y, x, y + h, x + w] for x, y, w, h in seen.boxes],
                    },
                },
            )
        self.logged += count

    def predicted(self) -> list[dict[str, Any]]:
        """All of them, oldest first, once review knows them."""
        page = until(
            lambda: self.api.get(f"{self.reviews}/predictions", order="asc", limit=100),
            lambda found: len(found["items"]) == self.logged,
            what="review knows what was logged",
            within=300,
        )
        items: list[dict[str, Any]] = page["items"]
        return items

    def one(self, prediction: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"{self.reviews}/predictions/{prediction}")
        return found

    def review_as_empty(self, prediction: dict[str, Any]) -> None:
        self.api.put(
            f"{self.reviews}/predictions/{prediction['id']}/review",
            {"shapes": {"labels": []}, "start": "CHAMPION", "draw": None},
            **{"If-Match": '"0"'},
        )

    def reviewed(self, prediction: str, revision: int = 1) -> dict[str, Any]:
        """The review of a prediction, once the browser's save has arrived."""
        found = until(
            lambda: self.one(prediction),
            lambda one: one["revision"] >= revision,
            what="the browser saved the review",
            within=300,
        )
        review: dict[str, Any] = found["review"]
        return review
