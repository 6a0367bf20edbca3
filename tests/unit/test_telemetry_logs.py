"""Logs: lines for machines and for people, without secrets and pixels in either."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from libs.telemetry.logs import configure_logs

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl-_x"
PIXELS = b"\x89PNG" + bytes(range(256)) * 40
ADDRESS = "postgresql+asyncpg://sightloop:hunter2@db:5432/ingest"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The logging of this process, put back."""
    root = logging.getLogger()
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)


def fails(picture: bytes, token: str) -> None:
    """Raises with what users sent in its local variables."""
    body = {"image": picture, "token": token}
    raise ValueError(f"{len(body)} parts and the token {token} of {ADDRESS}")


def log_everything() -> None:
    log = structlog.get_logger()
    log.info("request", authorization=f"Bearer {JWT}", path="/x", headers={"Cookie": "a=secret-1"})
    log.info("sent", body=PIXELS, parts=[PIXELS, f"Bearer {JWT}"], text="A" * 50_000)
    log.info("signing", signing_key="secret-2", service_token="secret-3")
    try:
        fails(PIXELS, JWT)
    except ValueError:
        log.exception("failed", store=ADDRESS)
    logging.getLogger("asyncpg").warning("cannot connect to %s with %s", ADDRESS, JWT)
    try:
        fails(PIXELS, JWT)
    except ValueError:
        logging.getLogger("other").exception("failed too")


@pytest.mark.parametrize("console", [False, True], ids=["json", "console"])
def test_no_secret_and_no_pixel_is_logged(
    capsys: pytest.CaptureFixture[str],
    console: bool,
) -> None:
    configure_logs(level="INFO", console=console)
    log_everything()
    written = capsys.readouterr().err
    for secret in (JWT, JWT.split(".")[1], "hunter2", "secret-1", "secret-2", "secret-3"):
        assert secret not in written
    assert "PNG" not in written
    assert "A" * 9_000 not in written
    # What helps is there.
    assert written.count("ValueError") >= 2
    assert "sightloop:***@db:5432/ingest" in written
    assert f"<{len(PIXELS)} bytes>" in written
    assert "in fails" in written


def test_a_line_is_a_json_object_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="INFO", console=False)
    structlog.get_logger().warning("books.unbalanced", deployment="d", missing=3)
    structlog.get_logger().debug("not this")
    (line,) = capsys.readouterr().err.splitlines()
    document = json.loads(line)
    assert document.pop("timestamp").endswith("Z")
    assert document == {
        "event": "books.unbalanced", "level": "warning", "deployment": "d", "missing": 3,
    }  # fmt: skip
