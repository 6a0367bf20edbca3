"""One trace from the HTTP call over the bus to the handlers."""

from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.component.test_ingest_monitor import body, deployed
from tests.support.services import Run
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
