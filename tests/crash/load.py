"""The clients: they log predictions, one by one and in batches, and try again as clients do."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from tests.crash import bodies
from tests.crash.schedule import Plan
from tests.crash.told import Sent, Told
from tests.crash.world import INGEST, World

CALL_SECONDS = 8.0
_REPEATED, _INVALID, _PICTURED = 0.1, 0.04, 0.35
_TRIES = 6


@dataclass(slots=True, kw_only=True)
class Client:
    """What every actor shares. `addresses`: where ingest answers, each as good as the other.

    `over`: the load is to end.
    """

    http: httpx.AsyncClient
    plan: Plan
    told: Told
    world: World
    addresses: tuple[str, ...]
    over: bool = False

    def rng(self, actor: str) -> Random:
        """The choices of an actor: the same for the same seed."""
        return Random(f"{self.plan.seed} {self.plan.mode} {actor}")

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.told.started

    async def pace(self, begun: float, seconds: float) -> None:
        """Wait so that a turn that began at `begun` takes `seconds`, fewer in a burst."""
        wait = begun + seconds / self.plan.factor(self.elapsed) - time.monotonic()
        await asyncio.sleep(max(wait, 0.0))

    async def call(self, what: str, method: str, url: str, **rest: Any) -> httpx.Response | None:
        """The answer, None where there was none: whether it was heard is then unknown."""
        try:
            return await self.http.request(method, url, **rest)
        except httpx.HTTPError as error:
            self.told.failed(what, error)
            return None


async def send_single(client: Client, actor: str) -> None:
    """Log predictions one at a time, eight a second."""
    rng = client.rng(actor)
    names: list[str] = []
    while not client.over:
        begun = time.monotonic()
        if rng.random() < _INVALID:
            await _send_invalid(client, rng)
        elif names and rng.random() < _REPEATED:
            await _post(client, rng, rng.choice(names), patient=False)
        else:
            name, _ = _drawn(client, rng)
            names.append(name)
            await _post(client, rng, name, patient=rng.random() < 0.7)
        await client.pace(begun, 0.125)


async def send_batches(client: Client, actor: str) -> None:
    """Log batches, one a second: with repeats, one line twice, and lines that are refused."""
    rng = client.rng(actor)
    names: list[str] = []
    while not client.over:
        begun = time.monotonic()
        deployment = rng.choice(client.world.deployments)
        fresh = [_drawn(client, rng, deployment)[0] for _ in range(rng.randint(3, 30))]
        mine = [name for name in names if client.told.sent[name].deployment == deployment]
        lines: list[str | None] = [*fresh, fresh[0], *rng.sample(mine, min(len(mine), 2))]
        if rng.random() < 0.3:
            lines.append(None)
        rng.shuffle(lines)
        names = [*names, *fresh][-200:]
        for _ in range(_TRIES if rng.random() < 0.7 else 1):
            if await _post_batch(client, rng, deployment, lines) or client.over:
                break
            await asyncio.sleep(rng.uniform(0.2, 1.0))
        await client.pace(begun, 1.0)


async def send_shadows(client: Client, actor: str) -> None:
    """Tell the shadow's answer to predictions that are there, four a second; some twice."""
    rng = client.rng(actor)
    version = bodies.new_id(rng)
    while not client.over:
        begun = time.monotonic()
        there = [name for name, one in client.told.sent.items() if one.acknowledged]
        if there:
            await _post_shadow(client, rng, rng.choice(there), version)
        await client.pace(begun, 0.25)


def _drawn(client: Client, rng: Random, deployment: str | None = None) -> tuple[str, Sent]:
    name = bodies.new_id(rng)
    body = bodies.prediction(rng, name)
    held = None
    if rng.random() < _PICTURED:
        data = bodies.any_picture(rng)
        body, held = bodies.with_picture(body, data), bodies.sha256(data)
    sent = Sent(deployment or rng.choice(client.world.deployments), held, body)
    client.told.sent[name] = sent
    return name, sent


def _url(client: Client, rng: Random, deployment: str) -> str:
    return f"{rng.choice(client.addresses)}{INGEST}/deployments/{deployment}/predictions"


async def _post(client: Client, rng: Random, name: str, *, patient: bool) -> None:
    sent = client.told.sent[name]
    multipart = sent.picture is not None and rng.random() < 0.5
    for _ in range(_TRIES if patient else 1):
        content = {"files": bodies.parts_of(sent.body)} if multipart else {"json": sent.body}
        sent.sends += 1
        url = _url(client, rng, sent.deployment)
        answer = await client.call("log", "POST", url, **content)
        if answer is not None and client.told.answered(
            "log", answer.status_code, answer.text, fine={201}
        ):
            sent.acknowledged += 1
            if answer.json()["id"] != name:
                client.told.surprise(f"log: {name} was answered with {answer.text}")
            return
        if client.over:
            return
        await asyncio.sleep(rng.uniform(0.2, 1.0))


async def _send_invalid(client: Client, rng: Random) -> None:
    deployment = rng.choice(client.world.deployments)
    client.told.invalid[deployment] += 1
    url = _url(client, rng, deployment)
    answer = await client.call("log invalid", "POST", url, json=bodies.invalid(rng))
    if answer is not None and client.told.answered(
        "log invalid", answer.status_code, answer.text, fine={400, 422}
    ):
        client.told.refused[deployment] += 1


async def _post_batch(
    client: Client, rng: Random, deployment: str, lines: list[str | None]
) -> bool:
    """Whether every line was answered for good."""
    told = client.told
    for name in lines:
        if name is None:
            told.invalid[deployment] += 1
        else:
            told.sent[name].sends += 1
    content = "\n".join(
        json.dumps(bodies.invalid(rng) if name is None else told.sent[name].body) for name in lines
    )
    answer = await client.call(
        "batch",
        "POST",
        f"{_url(client, rng, deployment)}/batch",
        content=content,
        headers={"Content-Type": "application/x-ndjson"},
    )
    if answer is None or not told.answered("batch", answer.status_code, answer.text, fine={200}):
        return False
    results = [json.loads(line) for line in answer.text.splitlines()]
    if [result["line"] for result in results] != list(range(len(lines))):
        told.surprise(f"batch: {len(lines)} lines were answered with {answer.text[:300]}")
        return False
    outcomes = [
        _told_line(told, deployment, name, result)
        for name, result in zip(lines, results, strict=True)
    ]
    return all(outcomes)


def _told_line(told: Told, deployment: str, name: str | None, result: dict[str, Any]) -> bool:
    fine: Callable[[set[int]], bool] = lambda codes: told.answered(  # noqa: E731
        "batch line", result["status"], json.dumps(result), fine=codes
    )
    if name is None:
        told.refused[deployment] += 1
        return fine({400, 422})
    if fine({201}):
        told.sent[name].acknowledged += 1
        return True
    return False


async def _post_shadow(client: Client, rng: Random, name: str, version: str) -> None:
    sent = client.told.sent[name]
    url = f"{_url(client, rng, sent.deployment)}/{name}/shadow"
    body = {
        "latency": 0.01,
        "prediction": bodies.prediction(rng, name)["prediction"],
        "model_version": version,
    }
    sent.shadow_sends += 1
    answer = await client.call("shadow", "POST", url, json=body)
    # What was acknowledged a moment ago may not be stored yet: 404 after a bounded wait.
    if answer is None or not client.told.answered(
        "shadow", answer.status_code, answer.text, fine={201, 404, 409}
    ):
        return
    if answer.status_code == 201:
        sent.shadow_acknowledged += 1
    elif answer.status_code == 409 and sent.shadow_sends == 1:
        client.told.surprise(f"shadow: the first one for {name} was said to be there already")
