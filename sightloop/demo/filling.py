"""Stages of `sightloop demo --fill`: a deployment with months of history, and what it shows."""

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx

from sightloop.demo.api import DidNotHappen, until
from sightloop.demo.hands import DEPLOYER, FEEDBACK, INGEST, METRICS, job_done
from sightloop.demo.history import History
from sightloop.demo.play import Bar, Play, Stage
from sightloop.demo.scenes import LABELS

NAME = "digits on a belt, for months"

_BATCH = 2000
_SENDERS = 2
_TRIES = 60
_SPARSE = 400  # predictions to a picture from which on scoring keeps up by itself
_SETTLED = 90.0
_LOOKS_PER_WINDOW = 20
_PICTURES_AT_ONCE = 400
_WITHIN = 4 * 3600.0


def stages_of(history: History) -> list[tuple[str, Stage]]:
    """Make the deployment, send the history, wait until it is counted, read the alarm."""
    return [
        ("1  A deployment, and what its images are compared with", lambda p: _deploy(p, history)),
        ("2  Its history arrives, by the batch", lambda play: _fill(play, history)),
        ("3  Everything is counted and scored", lambda play: _counted(play, history)),
        ("4  What the dashboard says of it", lambda play: _seen(play, history)),
    ]


def _deploy(play: Play, history: History) -> dict[str, Any]:
    api = play.api
    count = min(max(history.count // 4, 120), 600)
    dataset = api.post(f"{FEEDBACK}/datasets", {"name": NAME})["id"]
    version = api.post(
        f"{FEEDBACK}/datasets/{dataset}/versions",
        {"version": "before", "type": "OBJECT_DETECTION", "labels": list(LABELS)},
    )["id"]
    shots = play.track(history.reference(count), "pictures to compare with", count)
    job = api.import_coco(version, shots, list(LABELS))
    job_done(play, "feedback", job, "importing pictures and boxes", within=600)
    until(
        lambda: api.get(f"{FEEDBACK}/versions/{version}"),
        lambda seen: seen["manifest"] is not None and seen["assets"] == count,
        what="the dataset version settles",
        within=300,
    )
    model = api.post(f"{DEPLOYER}/models", {"name": NAME, "type": "OBJECT_DETECTION"})["id"]
    champion = api.post(
        f"{DEPLOYER}/models/{model}/versions",
        files={"version": (None, json.dumps({"labels": list(LABELS)}))},
    )["id"]
    deployment = api.post(
        f"{DEPLOYER}/deployments", {"name": NAME, "model_version": champion, "threshold": 0.5}
    )["id"]
    play.ids["deployment"] = deployment
    reference = api.put(
        f"{METRICS}/deployments/{deployment}/training-data", {"dataset_version": version}
    )
    job_done(play, "metrics", reference["job"], "computing the reference", within=600)
    return {"deployment": deployment, "reference": count}


def _fill(play: Play, history: History) -> dict[str, Any]:
    path = f"{INGEST}/deployments/{play.ids['deployment']}/predictions/batch"
    bar = play.bar("predictions acknowledged", history.count)
    started = time.monotonic()
    done = 0
    with ThreadPoolExecutor(_SENDERS) as pool:
        waiting = []
        for batch in _batches(history, play):
            waiting.append(pool.submit(_send, play, path, batch))
            if len(waiting) > _SENDERS:
                done += waiting.pop(0).result()
                bar.to(done)
        for one in waiting:
            done += one.result()
            bar.to(done)
    spent = time.monotonic() - started
    return {"acknowledged": done, "seconds": round(spent, 1), "per_second": round(done / spent)}


def _batches(history: History, play: Play) -> Iterator[list[bytes]]:
    """Lines in batches. Where nearly all bring pictures, no more before those sent are scored:
    newest are scored first, and what waits too long is scored without a look."""
    lines = history.lines()
    pictures = history.pictures
    dense = history.count < _SPARSE * len(pictures)
    room = history.count * _PICTURES_AT_ONCE // len(pictures)
    sent = waiting = 0
    while batch := list(itertools.islice(lines, min(_BATCH, room) if dense else _BATCH)):
        if dense and waiting + len(batch) > room:
            _scored(play, history, int((pictures < sent).sum()))
            waiting = 0
        yield batch
        sent += len(batch)
        waiting += len(batch)


def _send(play: Play, path: str, lines: list[bytes]) -> int:
    """Send lines until each is accepted; a line that is refused for good ends the demo."""
    sent = len(lines)
    for _ in range(_TRIES):
        try:
            answers = play.api.post_lines(path, lines)
        except httpx.TransportError:
            time.sleep(1)
            continue
        wrong = [one for one in answers if one["status"] not in (201, 429, 503)]
        if wrong:
            raise DidNotHappen(f"a prediction was refused: {wrong[0]}")
        lines = [lines[one["line"]] for one in answers if one["status"] != 201]
        if not lines:
            return sent
        time.sleep(1)
    raise DidNotHappen(f"{len(lines)} predictions were not accepted in {_TRIES} tries")


def _counted(play: Play, history: History) -> dict[str, Any]:
    started = time.monotonic()
    bar = play.bar("counted", history.count)

    def shown(seen: Any) -> None:
        behind = history.count - seen["predictions"]
        bar.to(seen["predictions"], what=f"counted (behind by {behind:,})" if behind else "counted")

    until(
        lambda: _whole(play, history),
        lambda seen: seen["predictions"] >= history.count,
        what="every prediction is counted",
        within=_WITHIN,
        seen=shown,
    )
    pictures = len(history.pictures)
    _scored(play, history, pictures, seen=play.bar("pictures scored", pictures))
    books = until(
        lambda: play.api.get(f"{INGEST}/deployments/{play.ids['deployment']}/ledger"),
        lambda ledger: ledger["in_flight"] == 0,
        what="nothing is in flight",
        within=_WITHIN,
    )
    return {"seconds": round(time.monotonic() - started, 1), "ledger": books}


def _scored(play: Play, history: History, pictures: int, *, seen: Bar | None = None) -> None:
    """Wait until so many pictures are scored, as the number of looks tells; where some were
    scored without one, until no more come."""
    changed, looks = time.monotonic(), 0

    def done(drift: Any) -> bool:
        nonlocal changed, looks
        if not drift:
            return False
        step = max(drift["window"] // _LOOKS_PER_WINDOW, 1)
        scored = drift["window"] + step * len(drift["t"])
        if seen is not None:
            seen.to(min(scored + step, pictures))
        now = time.monotonic()
        changed = now if len(drift["t"]) != looks else changed
        looks = len(drift["t"])
        return scored + step >= pictures or now - changed > _SETTLED

    until(
        lambda: _whole(play, history)["drift"],
        done,
        what="the pictures are scored",
        within=_WITHIN,
    )


def _seen(play: Play, history: History) -> dict[str, Any]:
    """When the drift alarm rang, beside when the camera changed."""
    drift = _whole(play, history)["drift"]
    ringing = [at for at, d in zip(drift["t"], drift["d"], strict=True) if d > drift["threshold"]]
    pictures = history.times[history.pictures]
    changed = int((pictures < history.known.drift).sum())
    due = pictures[min(changed + drift["window"], len(pictures) - 1)]
    return {
        "known": history.known.document(),
        "pictures": len(pictures),
        "looks": len(drift["t"]),
        "window": drift["window"],
        "alarm_due": float(due),
        "alarm_first": ringing[0] if ringing else None,
        "alarm_before": sum(at < history.known.drift for at in ringing),
        "threshold": drift["threshold"],
        "d_before": max(
            (d for at, d in zip(drift["t"], drift["d"], strict=True) if at < history.known.drift),
            default=None,
        ),
    }


def _whole(play: Play, history: History) -> Any:
    """The dashboard of the whole history."""
    return play.api.get(
        f"{METRICS}/deployments/{play.ids['deployment']}/dashboard",
        **{"from": _time(history.known.start - 1), "to": _time(history.known.end + 1)},
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
