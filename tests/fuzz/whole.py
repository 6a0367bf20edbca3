"""Every route of a running platform, one after the other, and the process that bore it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import schemathesis

from sightloop.demo.api import Api
from tests.fuzz.known import furnish
from tests.fuzz.play import Outcome, fuzz
from tests.support.platform import Platform

_DOCUMENT = "/api/openapi.json"
_LAST = "DELETE"
GROWTH_BYTES = 96 * 2**20


@dataclass(slots=True)
class Report:
    """`grown`: bytes that the process held at the end beyond what it held after a tenth."""

    outcomes: list[Outcome] = field(default_factory=list)
    grown: int = 0

    @property
    def requests(self) -> int:
        return sum(outcome.answers.total() for outcome in self.outcomes)

    @property
    def findings(self) -> list[str]:
        found = [finding for outcome in self.outcomes for finding in outcome.findings]
        if self.grown > GROWTH_BYTES:
            found.append(f"the process has grown by {self.grown / 2**20:.0f} MB")
        return found


def fuzz_all(
    platform: Platform,
    *,
    examples: int,
    seed: int,
    only: str = "",
    say: Callable[[str], object] = lambda _: None,
) -> Report:
    """Fuzz the routes whose label (`GET /api/…`) matches `only`; deletions last."""
    api = Api(platform.url, platform.token)
    known = furnish(api)
    api.close()
    report = Report()
    wanted = [one for one in _operations(platform) if re.search(only, one.label)]
    wanted.sort(key=lambda one: one.label.startswith(_LAST))
    held = _resident(platform)
    for number, operation in enumerate(wanted, 1):
        outcome = fuzz(
            operation, url=platform.url, token=platform.token, known=known,
            examples=examples, seed=seed,
        )  # fmt: skip
        report.outcomes.append(outcome)
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(outcome.answers.items()))
        say(f"{number:>4}/{len(wanted)}  {outcome.operation}  {answers}")
        if number <= len(wanted) // 10:
            held = _resident(platform)
    report.grown = _resident(platform) - held
    assert httpx.get(f"{platform.url}/readyz", timeout=60).status_code == 200
    return report


def _operations(platform: Platform) -> "Iterator[schemathesis.APIOperation]":
    document = httpx.get(f"{platform.url}{_DOCUMENT}", timeout=60).raise_for_status().json()
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        yield found.ok()


def _resident(platform: Platform) -> int:
    """Bytes of the one process of the embedded mode."""
    popen = platform.processes["up"].popen
    assert popen is not None
    status = Path(f"/proc/{popen.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
