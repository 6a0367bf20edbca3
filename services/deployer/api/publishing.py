"""What an experiment left, as the trainer shows it to the caller."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import msgspec
from fastapi import Request

from libs.api.caller import ORGANIZATION_HEADER, token_of
from libs.api.problems import Problem, not_found, unavailable
from libs.schemas.values import Artifact, TaskType, TrainedOn
from services.deployer.parts import Deployer
from services.deployer.store import experiments
from services.deployer.store.experiments import Source


async def left_by(
    request: Request, parts: Deployer, organization: UUID, experiment: UUID
) -> Source:
    """What the experiment left, if the trainer shows it to the caller's own token.

    One that ran elsewhere may be published before its end. Raises Problem.
    """
    headers = {"Authorization": f"Bearer {token_of(request)}"}
    if ORGANIZATION_HEADER in request.headers:
        headers[ORGANIZATION_HEADER] = request.headers[ORGANIZATION_HEADER]
    try:
        answer = await parts.http.get(
            f"{parts.internal_url}/api/trainer/v1/experiments/{experiment}",
            headers=headers,
            timeout=parts.settings.trainer_timeout,
        )
    except httpx.HTTPError as error:
        raise unavailable("the trainer cannot be reached; try again") from error
    if answer.status_code == 404:
        raise not_found(f"experiment {experiment}")
    if answer.status_code in (401, 403):
        raise Problem(403, "missing-scope", "the trainer does not show you this experiment")
    if answer.status_code != 200:
        raise unavailable("the trainer cannot answer now; try again")
    document = answer.json()
    status, external = document["status"], document.get("external", False)
    if status != "SUCCESS" and not (external and status in ("PENDING", "RUNNING")):
        raise Problem(409, "not-finished", f"the experiment is {status}, not SUCCESS")
    if external:
        return _shown(experiment, document)
    return await _told(parts, organization, experiment)


def _shown(experiment: UUID, document: dict[str, Any]) -> Source:
    """What an experiment has that ran elsewhere."""
    artifacts = document["artifacts"]
    return Source(
        experiment=experiment,
        artifacts=msgspec.convert(artifacts, list[Artifact]),
        labels=document["labels"] or None,
        parameters=document["parameters"],
        trained_on=msgspec.convert(document["datasets"], list[TrainedOn]),
        external=True,
        filenames={one["name"]: one["filename"] for one in artifacts},
        task=TaskType(document["type"]) if document["type"] else None,
    )


async def _told(parts: Deployer, organization: UUID, experiment: UUID) -> Source:
    """What a finished experiment left, waited for: its end may have been told a moment ago."""
    deadline = parts.clock.monotonic() + parts.settings.event_wait
    while True:
        async with parts.database.read() as read:
            source = await experiments.find(read, organization, experiment)
        if source is not None:
            return source
        if parts.clock.monotonic() >= deadline:
            raise unavailable("the end of the experiment has not been told yet; try again")
        await asyncio.sleep(0.05)
