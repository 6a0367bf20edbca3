"""One trace from the HTTP call through outbox and bus to the handler."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import getrandbits

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


def current_traceparent() -> str | None:
    """The W3C traceparent of the span we are in; None outside of a recorded trace."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def begun_traceparent() -> str:
    """The traceparent of a trace that begins here, of which no span is recorded here."""
    # As the SDK makes its ids: different, not secret. The last bit keeps both from being zero.
    trace_id, span_id = getrandbits(128) | 1, getrandbits(64) | 1
    return f"00-{trace_id:032x}-{span_id:016x}-01"


@contextmanager
def span(
    name: str,
    *,
    traceparent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: str | int,
) -> Iterator[trace.Span]:
    """A span, the child of `traceparent` where one is given, otherwise of the current span."""
    parent = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    tracer = trace.get_tracer("sightloop")
    with tracer.start_as_current_span(
        name, context=parent, kind=kind, attributes=dict(attributes)
    ) as current:
        yield current


def configure_tracing(*, service: str, endpoint: str | None) -> Callable[[], None]:
    """Give this process's spans ids, and send them to an OTLP/HTTP collector where one is named.

    Returns what ends it: the spans in hand are sent, for five seconds at most.
    """
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create({"service.name": service}), shutdown_on_exit=False
    )
    if endpoint is not None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown
