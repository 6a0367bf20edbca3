"""Sending log entries to ingest: what became of each, and what goes together."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import httpx
import msgspec

from libs.schemas.events import State
from services.serving.core.entries import PredictionEntry, ShadowEntry, with_shadow
from services.serving.parts import Serving

# Longer than ingest takes to store what it has accepted.
_SHADOW_PATIENCE = 60.0
_LATER = {401, 403, 408, 425, 429}


class Fate(StrEnum):
    DONE = "done"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ingest said of an entry."""

    fate: Fate
    status: int | None = None
    reason: str = ""


@dataclass(slots=True)
class Parcel:
    """A prediction on its way, alone or with its shadow's answer."""

    entry: PredictionEntry
    shadow: ShadowEntry | None = field(default=None)

    @property
    def body(self) -> dict[str, Any]:
        return self.entry.body if self.shadow is None else with_shadow(self.entry.body, self.shadow)


async def send_predictions(parts: Serving, parcels: Sequence[Parcel]) -> list[Outcome]:
    """Send predictions of one deployment; one outcome for each."""
    first = parcels[0].entry
    path = f"/api/ingest/v1/deployments/{first.deployment}/predictions"
    if len(parcels) == 1:
        files = {"image": ("image", first.picture, first.body["content_type"])}
        document = {"prediction": msgspec.json.encode(parcels[0].body).decode()}
        answer = await _post(parts, path, first.organization, data=document, files=files)
        return [_read(parts, answer, first)]
    lines = [
        msgspec.json.encode(
            parcel.body | {"image": base64.b64encode(parcel.entry.picture).decode()}
        )
        for parcel in parcels
    ]
    answer = await _post(
        parts, f"{path}/batch", first.organization, content=b"\n".join(lines),
        kind="application/x-ndjson",
    )  # fmt: skip
    if isinstance(answer, Outcome) or answer.status_code != 200:
        return [_read(parts, answer, parcel.entry) for parcel in parcels]
    return _read_lines(answer.content, len(parcels))


async def send_shadow(parts: Serving, entry: ShadowEntry) -> Outcome:
    """Send a shadow's answer to a prediction that was logged without it."""
    path = f"/api/ingest/v1/deployments/{entry.deployment}/predictions/{entry.prediction}/shadow"
    answer = await _post(
        parts, path, entry.organization, content=msgspec.json.encode(entry.body),
        kind="application/json",
    )  # fmt: skip
    outcome = _read(parts, answer, entry)
    if outcome.status == 409 and "shadow-already-logged" in outcome.reason:
        return Outcome(Fate.DONE, 409)
    if outcome.status == 404 and outcome.fate is Fate.LATER:
        age = parts.clock.now().timestamp() - entry.time
        if age > _SHADOW_PATIENCE:
            return Outcome(Fate.REFUSED, 404, outcome.reason)
    return outcome


async def _post(
    parts: Serving, path: str, organization: UUID, *, kind: str | None = None, **body: Any
) -> httpx.Response | Outcome:
    headers = parts.ingest.headers(organization)
    if kind is not None:
        headers["Content-Type"] = kind
    try:
        return await parts.ingest.http.post(parts.ingest.url + path, headers=headers, **body)
    except httpx.HTTPError as error:
        return Outcome(Fate.LATER, reason=f"ingest is away: {type(error).__name__} {error}")


def _read(
    parts: Serving, answer: httpx.Response | Outcome, entry: PredictionEntry | ShadowEntry
) -> Outcome:
    if isinstance(answer, Outcome):
        return answer
    status = answer.status_code
    if status == 201:
        return Outcome(Fate.DONE, 201)
    fate = Fate.LATER if status >= 500 or status in _LATER else Fate.REFUSED
    if status == 404 and _is_deployed(parts, entry.deployment, entry.organization):
        # Ingest has not heard of it yet, or something else answers at its address.
        fate = Fate.LATER
    return Outcome(fate, status, answer.text[:4000])


def _read_lines(content: bytes, count: int) -> list[Outcome]:
    """The answers of a batch, by line; a line without an answer is sent again."""
    outcomes = [Outcome(Fate.LATER, reason="ingest did not answer for it")] * count
    for line in content.splitlines():
        said = msgspec.json.decode(line)
        number, status = int(said["line"]), int(said["status"])
        if not 0 <= number < count:
            continue
        reason = "" if status == 201 else msgspec.json.encode(said.get("problem")).decode()
        later = status >= 500 or status in _LATER
        fate = Fate.DONE if status == 201 else Fate.LATER if later else Fate.REFUSED
        outcomes[number] = Outcome(fate, status, reason)
    return outcomes


def _is_deployed(parts: Serving, deployment: UUID, organization: UUID) -> bool:
    known = parts.deployments.get(str(deployment))
    return (
        known is not None
        and known.organization == organization
        and known.data.state is not State.DELETED
    )
