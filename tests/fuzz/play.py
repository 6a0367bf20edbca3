"""Generated requests to one operation, and what was wrong with the answers."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode

_SECONDS = 60.0
_KEPT = 3
_STRANGE = 57  # neither the least nor the most: those are generated often
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MEMBERS = {"type", "title", "status", "detail"}


@dataclass(slots=True)
class Outcome:
    """What an operation answered, how often, and the first few answers that were wrong."""

    operation: str
    answers: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


@schemathesis.serializer("application/x-ndjson")
def _write_lines(_: object, value: Any) -> bytes:
    values = value if isinstance(value, list) else [value]
    return b"\n".join(_bytes_of(one) for one in values)


@schemathesis.serializer("image/jpeg", "image/png", "image/webp")
def _write_picture(_: object, value: Any) -> bytes:
    return _bytes_of(value)


def _bytes_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, default=repr).encode()


def fuzz(
    operation: "APIOperation[Any, Any, Any, Any]",
    *,
    url: str,
    token: str,
    known: Mapping[str, Sequence[str]],
    examples: int,
    seed: int,
) -> Outcome:
    """Send `examples` requests, half of them made to break the operation's own schema."""
    outcome = Outcome(operation.label)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for mode in modes:

            @hypothesis.seed(seed)
            @settings(
                max_examples=max(examples // len(modes), 1),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(
                case=operation.as_strategy(generation_mode=mode), choice=st.integers(0, 99)
            )
            def ask(case: Case, choice: int) -> None:
                _exist(case, known, choice)
                _judge(case, session, url, outcome)

            try:
                ask()
            except Unsatisfiable:
                # Nothing about the operation can be wrong.
                continue
    return outcome


def _exist(case: Case, known: Mapping[str, Sequence[str]], choice: int) -> None:
    """Let the path name what is there, but for what is no id at all.

    Rarely it stays unknown: a deployment that is not known yet is waited for.
    """
    for name, value in (case.path_parameters or {}).items():
        if choice != _STRANGE and (ids := known.get(name)) and _ID.fullmatch(str(value)):
            case.path_parameters[name] = ids[choice % len(ids)]


def _judge(case: Case, session: requests.Session, url: str, outcome: Outcome) -> None:
    sent = case.as_transport_kwargs(base_url=url)
    sent["cookies"] = {}
    try:
        with session.request(**sent, timeout=_SECONDS, stream=True) as answer:
            outcome.answers[answer.status_code] += 1
            kind = answer.headers.get("content-type", "")
            # An event stream has no end.
            content = b"" if kind.startswith("text/event-stream") else answer.content
    except (requests.exceptions.InvalidHeader, UnicodeError):
        # The client library itself refuses to send it.
        return
    except requests.RequestException as error:
        _find(outcome, case, url, f"no answer: {error}")
        return
    if answer.status_code >= 500:
        _find(outcome, case, url, f"{answer.status_code}: {content[:500]!r}")
    elif answer.status_code >= 400 and not _is_problem(kind, content):
        _find(outcome, case, url, f"{answer.status_code} is no problem document: {content[:300]!r}")


def _is_problem(kind: str, content: bytes) -> bool:
    return kind == "application/problem+json" and json.loads(content).keys() >= _MEMBERS


def _find(outcome: Outcome, case: Case, url: str, what: str) -> None:
    if len(outcome.findings) < _KEPT:
        command = case.as_curl_command()[:1500]
        outcome.findings.append(f"{outcome.operation}\n    {what}\n    {command}")
