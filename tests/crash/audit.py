"""The audit: what the client was told, against what the platform holds once it is quiet."""

import asyncio
import json
import re
import time
from collections import Counter
from typing import Any
from uuid import UUID

from libs.schemas.ids import experiment_id
from tests.crash import bodies
from tests.crash.load import Client
from tests.crash.reading import Numbers, Reader
from tests.crash.told import Sent, Told
from tests.crash.world import INGEST, REVIEW, THRESHOLD

_ENDED = {"SUCCESS", "FAILED", "CANCELED"}
_BATCH = 200
_SHOWN = 5


async def quiet(client: Client, reader: Reader, *, within: float) -> tuple[float, list[str]]:
    """Wait until nothing moves any more: seconds that it took, and what still moved at the end."""
    started = time.monotonic()
    while True:
        moving = []
        for deployment, version in client.world.versions.items():
            numbers = await reader.numbers(deployment, version)
            moving += [f"{deployment}: {what}" for what in _moving(numbers)]
        took = time.monotonic() - started
        if not moving or took > within:
            return took, moving
        await asyncio.sleep(0.5)


async def audit(client: Client, reader: Reader) -> list[str]:
    """Everything that is not as it should be, a sentence each."""
    found: list[str] = []
    images = await reader.pages(f"{INGEST}/data")
    there: list[dict[str, Any]] = []
    for deployment, version in client.world.versions.items():
        items = await reader.pages(f"{REVIEW}/deployments/{deployment}/predictions")
        numbers = await reader.numbers(deployment, version)
        sent = client.told.by_deployment().get(deployment, {})
        wrong = [
            *_predictions(sent, items),
            *_numbers(client.told, deployment, items, numbers),
            *await _reviews(client.told, reader, deployment, version),
            *_crossings(client, deployment, numbers),
        ]
        found += [f"{deployment}: {what}" for what in wrong]
        there += items
    found += _datalake(there, images)
    found += await _pictures(client.told, reader, there)
    return found


async def knock(client: Client, reader: Reader) -> list[str]:
    """Send all that is there once more: ingest must know each, and nothing else may move."""
    found: list[str] = []
    for deployment, version in client.world.versions.items():
        items = await reader.pages(f"{REVIEW}/deployments/{deployment}/predictions")
        before = await reader.numbers(deployment, version)
        names = [item["id"] for item in items if item["id"] in client.told.sent]
        for first in range(0, len(names), _BATCH):
            lines = [client.told.sent[name].body for name in names[first : first + _BATCH]]
            bare = [{k: v for k, v in line.items() if k != "image"} for line in lines]
            answer = await client.http.post(
                f"{INGEST}/deployments/{deployment}/predictions/batch",
                content="\n".join(json.dumps(line) for line in bare),
                headers={"Content-Type": "application/x-ndjson"},
                timeout=120,
            )
            statuses = Counter(json.loads(line)["status"] for line in answer.text.splitlines())
            if statuses != {201: len(lines)}:
                found.append(f"{deployment}: a repeat was answered with {statuses}")
        await quiet(client, reader, within=120)
        after = await reader.numbers(deployment, version)
        expected = before.books["duplicate"] + len(names)
        if (after.books["stored"], after.books["duplicate"]) != (before.books["stored"], expected):
            found.append(
                f"{deployment}: {len(names)} repeats took the books from {before.books} "
                f"to {after.books}"
            )
        if (after.counted, after.counts) != (before.counted, before.counts):
            found.append(
                f"{deployment}: repeats moved what was counted: {before.counted}, "
                f"{before.counts} to {after.counted}, {after.counts}"
            )
    return found


def _moving(seen: Numbers) -> list[str]:
    """What has not come to rest."""
    reviewed = sum(seen.counts[name] for name in ("TO_REVIEW", "REVIEWED", "SUBMITTED"))
    stored = seen.books["stored"]
    checks = {
        f"in flight: {seen.books['in_flight']}": seen.books["in_flight"] == 0,
        f"not balanced: {seen.books}": seen.books["balanced"],
        f"metrics counted {seen.counted} of {stored}": seen.counted == stored,
        f"review has {seen.counts}, stored are {stored}": (
            reviewed + seen.counts["without_picture"] == stored
        ),
        f"{seen.counts['REVIEWED']} submissions are on their way": seen.counts["REVIEWED"] == 0,
        "the dataset version has not settled": seen.version["settled"],
        f"{seen.version['assets']} assets for {seen.counts['SUBMITTED']} submitted": (
            seen.version["assets"] == seen.counts["SUBMITTED"]
        ),
        f"{seen.training['submitted']} submitted, and no crossing": (
            not seen.training["active"] or seen.training["submitted"] < THRESHOLD
        ),
        f"{len(seen.experiments)} experiments, {seen.training['crossings']} crossings": (
            len(seen.experiments) == seen.training["crossings"]
        ),
        "experiments have not ended": all(one["status"] in _ENDED for one in seen.experiments),
    }
    return [what for what, fine in checks.items() if not fine]


def _predictions(sent: dict[str, Sent], items: list[dict[str, Any]]) -> list[str]:
    """Every acknowledged id once; of the others all or nothing; none that nobody sent."""
    listed = Counter(item["id"] for item in items)
    acknowledged = {name for name, one in sent.items() if one.acknowledged}
    by_id = {item["id"]: item for item in items}
    pictured = {name for name, item in by_id.items() if item["has_picture"]}
    shadowed = {name for name, item in by_id.items() if item["shadow"] is not None}
    known = by_id.keys() & sent.keys()
    return [
        *_some("LOST: acknowledged and not there", acknowledged - listed.keys()),
        *_some("there twice", {name for name, times in listed.items() if times > 1}),
        *_some("there, and sent by nobody", listed.keys() - sent.keys()),
        *_some(
            "with another picture than was sent",
            {name for name in known if (name in pictured) != (sent[name].picture is not None)},
        ),
        *_some(
            "LOST: a shadow that was acknowledged",
            {name for name in known if sent[name].shadow_acknowledged} - shadowed,
        ),
        *_some(
            "with a shadow that nobody sent",
            {name for name in shadowed & known if not sent[name].shadow_sends},
        ),
        *_some(
            "whose shadow was accepted twice",
            {name for name in known if sent[name].shadow_acknowledged > 1},
        ),
    ]


def _numbers(
    told: Told, deployment: str, items: list[dict[str, Any]], numbers: Numbers
) -> list[str]:
    """The books against what was sent and what is there; metrics and review against the books."""
    books, here = numbers.books, len({item["id"] for item in items})
    handled = books["stored"] + books["duplicate"]
    least, most = told.acknowledgements(deployment), told.sends(deployment)
    checks = {
        f"ingest stored {books['stored']}, {here} are listed": books["stored"] == here,
        f"metrics counted {numbers.counted}, {here} are listed": numbers.counted == here,
        f"metrics charted {numbers.charted}, {here} are listed": numbers.charted == here,
        f"review counts {numbers.counts}, {here} are listed": sum(numbers.counts.values()) == here,
        f"dead letters in the books: {books}": books.get("dead_lettered", 0) == 0,
        f"{handled} stored and duplicate; {least} acknowledged, {most} sent": (
            least <= handled <= most
        ),
        f"{books['rejected']} rejected, {told.invalid[deployment]} invalid sent": (
            books["rejected"] <= told.invalid[deployment]
        ),
        f"the books do not add up: {books}": books["received"]
        == handled + books["rejected"] + books.get("dead_lettered", 0) + books["in_flight"],
    }
    return [what for what, fine in checks.items() if not fine]


async def _reviews(told: Told, reader: Reader, deployment: str, version: str) -> list[str]:
    """Each review as it was saved, and each submitted one exactly one annotation."""
    found: list[str] = []
    path = f"{REVIEW}/deployments/{deployment}/predictions"
    assets = await reader.pages(f"/api/feedback/v1/versions/{version}/assets")
    by_data = {asset["data"]: asset for asset in assets}
    found += _some(
        "annotated twice",
        {data for data, n in Counter(asset["data"] for asset in assets).items() if n > 1},
    )
    expected: set[str] = set()
    for name, reviewed in told.reviewed.items():
        if reviewed.deployment != deployment:
            continue
        detail = await reader.get(f"{path}/{name}")
        kept = {one["revision"]: _shapes(one["shapes"]) for one in detail["revisions"]}
        for revision, saved in reviewed.saved.items():
            if kept.get(revision) != _shapes(saved):
                found.append(f"LOST: revision {revision} of the review of {name}: {kept}")
        for revision, shapes in kept.items():
            if shapes not in [_shapes(one) for one in reviewed.tried.get(revision, [])]:
                found.append(f"revision {revision} of the review of {name} is nobody's")
        if detail["review"] is None:
            continue
        expected.add(detail["data"])
        asset = by_data.get(detail["data"])
        if asset is None or detail["submission"]["state"] != "settled":
            found.append(f"LOST: the submission of {name}: {detail['submission']}")
        elif _shapes(asset["annotation"]) != _shapes(detail["review"]["shapes"]):
            found.append(f"{name} is annotated as {asset['annotation']}")
    return [*found, *_some("annotated, and reviewed by nobody", by_data.keys() - expected)]


def _crossings(client: Client, deployment: str, numbers: Numbers) -> list[str]:
    """Every crossing one experiment, every submission in one crossing."""
    crossings = numbers.training["crossings"]
    expected = {str(experiment_id(UUID(deployment), n + 1)) for n in range(crossings)}
    made = [experiment["id"] for experiment in numbers.experiments]
    found = []
    if sorted(made) != sorted(expected):
        found.append(f"{crossings} crossings made the experiments {sorted(made)}")
    counted = numbers.training["submitted"]
    for experiment in numbers.experiments:
        told = re.match(r"(\d+) of", experiment["why"] or "")
        counted += int(told[1]) if told else 0
    if counted != numbers.counts["SUBMITTED"]:
        found.append(f"{counted} submissions counted, {numbers.counts['SUBMITTED']} submitted")
    if crossings and deployment != client.world.manual:
        found.append("a crossing where no training was set up")
    return found


def _datalake(items: list[dict[str, Any]], images: list[dict[str, Any]]) -> list[str]:
    """Exactly the pictures of what is there."""
    listed = Counter(image["id"] for image in images)
    wanted = {item["data"] for item in items if item["has_picture"]}
    return [
        *_some("LOST: not in the Datalake", wanted - listed.keys()),
        *_some("in the Datalake without a prediction", listed.keys() - wanted),
        *_some("in the Datalake twice", {name for name, n in listed.items() if n > 1}),
    ]


async def _pictures(told: Told, reader: Reader, items: list[dict[str, Any]]) -> list[str]:
    """The bytes of every different picture, of one prediction each."""
    chosen = {
        one.picture: item["data"]
        for item in items
        if (one := told.sent.get(item["id"])) is not None and one.picture and item["has_picture"]
    }
    found = []
    for picture, data in chosen.items():
        content = (await reader.answer(f"{INGEST}/data/{data}/picture")).content
        if bodies.sha256(content) != picture:
            found.append(f"the picture of {data} is not the one that was sent")
    return found


def _some(what: str, names: set[str]) -> list[str]:
    if not names:
        return []
    return [f"{what}: {len(names)}, {', '.join(sorted(names)[:_SHOWN])}"]


def _shapes(shapes: dict[str, Any]) -> tuple[list[str], list[list[float]]]:
    return shapes["labels"], [[float(number) for number in box] for box in shapes["boxes"]]
