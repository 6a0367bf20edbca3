"""Structured logs: JSON for machines, lines for people. Never secrets or pixels."""

import logging
import re
import sys

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger

_SECRET = re.compile(r"token|secret|password|authorization|cookie|signing_key", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
_IN_ADDRESS = re.compile(r"(://[^:/@\s]+:)[^@/\s]+@")
_LONGEST = 8_000
_NOISY = ("aiokafka", "httpx", "httpcore", "urllib3", "alembic", "uvicorn.error", "asyncio")


def configure_logs(*, level: str, console: bool) -> None:
    """Set up logging for this process; standard library loggers come out the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace_id,
        structlog.processors.format_exc_info,
        scrub,
    ]
    renderer: structlog.typing.Processor
    if console:
        # The usual traceback shows local variables: tokens and pictures among them.
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    else:
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def scrub(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take out what has no place in a log: secrets by their name or form, bytes, long texts."""
    for name, value in event.items():
        event[name] = "***" if _SECRET.search(name) else _scrubbed(value)
    return event


def _scrubbed(value: object) -> object:
    match value:
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case str():
            text = _IN_ADDRESS.sub(r"\1***@", _JWT.sub("<token>", value))
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
        case dict():
            return {k: "***" if _SECRET.search(str(k)) else _scrubbed(v) for k, v in value.items()}
        case list() | tuple():
            return [_scrubbed(item) for item in value]
    return value


def _trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace"] = format(span.trace_id, "032x")
    return event
