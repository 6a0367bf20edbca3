"""The people: one reviews what he finds, corrects himself, and submits."""

import time
from random import Random
from typing import Any

from tests.crash import bodies
from tests.crash.load import Client
from tests.crash.told import Reviewed
from tests.crash.world import REVIEW


async def review(client: Client, actor: str) -> None:
    """Review a few pictures a second, of either deployment; correct some."""
    rng = client.rng(actor)
    while not client.over:
        begun = time.monotonic()
        deployment = rng.choice(client.world.deployments)
        again = [n for n, one in client.told.reviewed.items() if one.deployment == deployment]
        if again and rng.random() < 0.2:
            await _correct(client, rng, deployment, rng.choice(again))
        else:
            await _review_some(client, rng, deployment)
        await client.pace(begun, 0.5)


async def submit(client: Client, actor: str) -> None:
    """Submit what was reviewed, a few at a time, every two seconds."""
    rng = client.rng(actor)
    while not client.over:
        begun = time.monotonic()
        manual = client.world.manual
        ready = [
            name
            for name, one in client.told.reviewed.items()
            if one.deployment == manual and one.saved and not one.submitted
        ]
        if ready:
            await submit_some(client, rng.sample(ready, min(len(ready), 10)))
        await client.pace(begun, 2.0)


async def submit_some(client: Client, names: list[str]) -> bool:
    """Submit reviewed predictions of the manual deployment; whether it was answered."""
    told = client.told
    for name in names:
        told.reviewed[name].submit_tries += 1
    path = f"{REVIEW}/deployments/{client.world.manual}/submissions"
    answer = await client.call("submit", "POST", path, json={"predictions": names})
    if answer is None or not told.answered("submit", answer.status_code, answer.text, fine={200}):
        return False
    result = answer.json()
    refused = {one["prediction"]: one["why"] for one in result["refused"]}
    if result["submitted"] + len(refused) != len(names):
        told.surprise(f"submit: {len(names)} were answered with {answer.text[:300]}")
    for name in names:
        why = refused.get(name, "")
        if not why or "already" in why:
            told.reviewed[name].submitted = True
            if why and told.reviewed[name].submit_tries == 1:
                told.surprise(f"submit: {name} was never submitted, yet {why}")
        else:
            told.surprise(f"submit: {name} was refused: {why}")
    return True


async def _review_some(client: Client, rng: Random, deployment: str) -> None:
    path = f"{REVIEW}/deployments/{deployment}/predictions"
    query = {"status": "TO_REVIEW", "limit": 3, "sort": "random", "seed": rng.randrange(2**31)}
    answer = await client.call("browse", "GET", path, params=query)
    if answer is None or not client.told.answered(
        "browse", answer.status_code, answer.text, fine={200}
    ):
        return
    for item in answer.json()["items"]:
        await _save(client, rng, deployment, item)


async def _correct(client: Client, rng: Random, deployment: str, name: str) -> None:
    path = f"{REVIEW}/deployments/{deployment}/predictions/{name}"
    answer = await client.call("open", "GET", path)
    if answer is not None and client.told.answered(
        "open", answer.status_code, answer.text, fine={200}
    ):
        await _save(client, rng, deployment, answer.json())


async def _save(client: Client, rng: Random, deployment: str, item: dict[str, Any]) -> None:
    told, name, revision = client.told, item["id"], item["revision"]
    reviewed = told.reviewed.setdefault(name, Reviewed(deployment))
    shapes = bodies.review_shapes(rng)
    unknown = revision + 1 in reviewed.tried
    reviewed.tried.setdefault(revision + 1, []).append(shapes)
    answer = await client.call(
        "review",
        "PUT",
        f"{REVIEW}/deployments/{deployment}/predictions/{name}/review",
        json={"shapes": shapes, "start": "BLANK"},
        headers={"If-Match": f'"{revision}"'},
    )
    fine = {200, 409} if unknown else {200}
    if answer is None or not told.answered("review", answer.status_code, answer.text, fine=fine):
        return
    if answer.status_code == 200:
        reviewed.saved[revision + 1] = shapes
