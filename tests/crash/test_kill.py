"""`kill -9` in the middle of the work: what was acknowledged is there, once."""

import threading
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from sightloop.demo.api import Api, until
from tests.support.models import tiny_detector
from tests.support.platform import embedded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TOKEN = "the bootstrap token of the crash tests"
INGEST, DEPLOYER = "/api/ingest/v1", "/api/deployer/v1"


def test_an_acknowledged_prediction_outlives_the_process(tmp_path: Path) -> None:
    with embedded(tmp_path, TOKEN) as platform:
        api = Api(platform.url, TOKEN)
        deployment = tiny_detector(api)
        path = f"{INGEST}/deployments/{deployment}/predictions"
        body = {
            "filename": "a.png", "content_type": "image/png", "height": 48, "width": 64,
            "latency": 0.01,
            "prediction": {
                "detection_classes": [0], "detection_scores": [0.9],
                "detection_boxes": [[1, 2, 20, 30]],
            },
        }  # fmt: skip
        acknowledged: list[str] = []
        enough = threading.Event()

        def send() -> None:
            with platform.client() as client:
                while True:
                    name = str(uuid4())
                    try:
                        answer = client.post(path, json=body | {"prediction_id": name})
                    except httpx.HTTPError:
                        return
                    if answer.status_code == 201:
                        acknowledged.append(name)
                    if len(acknowledged) >= 150:
                        enough.set()

        senders = [threading.Thread(target=send) for _ in range(3)]
        for sender in senders:
            sender.start()
        assert enough.wait(60)
        platform.restart("up", kill=True)
        for sender in senders:
            sender.join(30)

        # A vain repeat of the last one is a duplicate, and so proves that it is known.
        api.post(path, body | {"prediction_id": acknowledged[-1]})
        books = until(
            lambda: api.get(f"{INGEST}/deployments/{deployment}/ledger"),
            lambda seen: (
                seen["stored"] + seen["duplicate"] > len(acknowledged) and seen["in_flight"] == 0
            ),
            what="everything acknowledged is stored",
            within=30,
        )
        # What was sent but not acknowledged when the process died may be there or not.
        assert len(acknowledged) <= books["stored"] <= len(acknowledged) + len(senders)
        assert books["duplicate"] == 1
        assert books["balanced"]
        dashboard = until(
            lambda: api.get(f"/api/metrics/v1/deployments/{deployment}/dashboard"),
            lambda seen: seen["predictions"] == books["stored"],
            what="metrics counted each once",
            within=30,
        )
        assert sum(dashboard["volume"]) == books["stored"]
        shown = set()
        cursor = None
        while True:
            query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            page = api.get(f"/api/review/v1/deployments/{deployment}/predictions", **query)
            shown |= {item["id"] for item in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert set(acknowledged) <= shown
        assert len(shown) == books["stored"]
        api.close()
