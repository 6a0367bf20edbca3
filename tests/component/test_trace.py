"""One trace from the HTTP call over the bus to the handlers."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.component.test_ingest_monitor import body, deployed, png
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What is traced in this test."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


async def test_a_prediction_is_one_trace_from_call_to_handler(
    service_runner: Run, spans: InMemorySpanExporter
) -> None:
    async with service_runner("ingest", "review") as running:
        deployment = deployed()
        await running.publish(deployment)
        trace_id = uuid4().hex
        answer = await running.http.post(
            f"/api/ingest/v1/deployments/{deployment.deployment}/predictions",
            json=body(),
            headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"},
        )
        assert answer.status_code == 201

        async def mine() -> list[ReadableSpan]:
            found = spans.get_finished_spans()
            return [s for s in found if s.context and f"{s.context.trace_id:032x}" == trace_id]

        handled = "handle sightloop.prediction.logged.v1"
        called = "POST /api/ingest/v1/deployments/{deployment}"

        def whole(found: list[ReadableSpan]) -> bool:
            names = [span.name for span in found]
            return names.count(handled) == 2 and any(name.startswith(called) for name in names)

        seen = await eventually(mine, whole)
        consumers = {(s.attributes or {}).get("consumer") for s in seen if s.name == handled}
        assert consumers == {"ingest.predictions", "review.predictions"}


@asynccontextmanager
async def told(running: RunningServices) -> AsyncIterator[list[dict[str, Any]]]:
    """What a browser is told while the block runs."""
    seen: list[dict[str, Any]] = []
    listening = asyncio.Event()

    async def listen() -> None:
        async with running.http.stream("GET", "/api/gateway/v1/events", timeout=None) as stream:
            async for line in stream.aiter_lines():
                listening.set()
                if line.startswith("data: "):
                    seen.append(json.loads(line.removeprefix("data: ")))

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait_for(listening.wait(), 60)
        yield seen
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_prediction_is_one_trace_from_call_to_what_the_dashboard_is_told(
    service_runner: Run, spans: InMemorySpanExporter
) -> None:
    async with service_runner("gateway", "ingest", "metrics", "review") as running:
        deployment = deployed()
        await running.publish(deployment)
        async with told(running) as seen:
            url = f"/api/ingest/v1/deployments/{deployment.deployment}/predictions"

            async def call(method: str, path: str, **body: Any) -> tuple[str, Any]:
                trace_id = uuid4().hex
                head = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "If-Match": '"0"'}
                answer = await running.http.request(method, path, headers=head, **body)
                assert answer.is_success, answer.text
                return trace_id, answer.json()

            async def notices() -> dict[tuple[str, str], dict[str, Any]]:
                return {(one["type"], one["trace"]): one for one in seen if "trace" in one}

            async def names(trace_id: str) -> set[str]:
                found = spans.get_finished_spans()
                mine = [s for s in found if s.context and f"{s.context.trace_id:032x}" == trace_id]
                return {s.name for s in mine}

            # Straight to the bus, counted, told.
            picture = base64.b64encode(png()).decode()
            logged, prediction = await call("POST", url, json=body(image=picture))
            notice = (await eventually(notices, lambda n: ("series.advanced", logged) in n))[
                ("series.advanced", logged)
            ]
            assert notice["deployment"] == str(deployment.deployment)
            expected = {
                "handle sightloop.prediction.logged.v1",
                "series advanced",
                "tell browsers sightloop.series.advanced.v1",
            }
            await eventually(lambda: names(logged), lambda found: found >= expected)

            # Through an outbox: a review.
            listed = f"/api/review/v1/deployments/{deployment.deployment}/predictions"

            async def known() -> bool:
                return (await running.http.get(f"{listed}/{prediction['id']}")).is_success

            await eventually(known)
            review = {"start": "BLANK", "shapes": {"labels": [], "boxes": []}}
            reviewed, _ = await call("PUT", f"{listed}/{prediction['id']}/review", json=review)
            await eventually(notices, lambda n: ("prediction.reviewed", reviewed) in n)
            last = "tell browsers sightloop.prediction.reviewed.v1"
            await eventually(lambda: names(reviewed), lambda found: last in found)
