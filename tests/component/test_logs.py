"""What a service logs while it is used, refused and broken: no token and no picture."""

import asyncio
import base64
import logging
from collections.abc import Callable, Iterator
from uuid import uuid4

import msgspec
import pytest
import structlog

from libs.schemas.events import PredictionLogged
from libs.telemetry.logs import configure_logs
from tests.component.test_ingest_monitor import body, deployed, png
from tests.support import examples
from tests.support.services import Run
from tests.support.waiting import eventually


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Everything is logged, as JSON; answers all of it so far."""
    text = ""

    def read() -> str:
        nonlocal text
        text += capsys.readouterr().err
        return text

    root = logging.getLogger()
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    configure_logs(level="DEBUG", console=False)
    yield read
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)


async def test_a_service_logs_no_token_no_picture_and_nothing_that_users_sent(
    service_runner: Run, written: Callable[[], str]
) -> None:
    async with service_runner("ingest") as running:
        deployment = deployed()
        await running.publish(deployment)
        path = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"
        picture = base64.b64encode(png()).decode()
        secret = f"customer-{uuid4()}"
        sent = body(image=picture, metadata={"note": secret})
        assert (await running.http.post(path, json=sent)).status_code == 201
        assert (await running.http.post(path, json=sent | {"width": -1})).status_code == 422
        stolen = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJldmUifQ.bm90LW91cnM"
        forged = {"Authorization": f"Bearer {stolen}"}
        assert (await running.http.post(path, json=sent, headers=forged)).status_code == 401
        dies = msgspec.structs.replace(
            examples.logged, deployment=deployment.deployment, width=10**12,
            metadata={"note": secret},
        )  # fmt: skip
        await running.publish(PredictionLogged(logged=dies, boot=uuid4(), sequence=1))
        await eventually(lambda: asyncio.sleep(0, written()), lambda text: "consumer.dead" in text)
        token = running.http.headers["Authorization"].removeprefix("Bearer ")
    for text in (token, stolen, picture, secret, running.keys.signing_key.splitlines()[1]):
        assert text not in written()
