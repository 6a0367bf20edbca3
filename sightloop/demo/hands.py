"""What the stages of the story do with their hands: log, review, wait for jobs."""

from typing import Any

from sightloop.demo.api import DidNotHappen, until
from sightloop.demo.play import Play

FEEDBACK, TRAINER, DEPLOYER = "/api/feedback/v1", "/api/trainer/v1", "/api/deployer/v1"
METRICS, REVIEW, INGEST = "/api/metrics/v1", "/api/review/v1", "/api/ingest/v1"


def training_shots(play: Play) -> Any:
    shots = list(play.world.training())
    return play.track(shots, "pictures to learn from", len(shots))


def training_steps(play: Play, steps: int) -> dict[str, Any]:
    size = play.amounts.input_size
    return {"steps": steps} | ({"input_width": size[0], "input_height": size[1]} if size else {})


def log_traffic(play: Play, count: int, *, changed: bool, what: str) -> None:
    shots = play.world.traffic(count, first=play.next_shot, changed=changed)
    for shot in play.track(shots, what, count):
        tags = ["new camera"] if changed else []
        answer = play.api.predict(play.ids["deployment"], shot, tags=tags)
        play.shown[answer["prediction_id"]] = shot
    play.next_shot += count


def seen_dashboard(play: Play) -> Any:
    return play.api.get(f"{METRICS}/deployments/{play.ids['deployment']}/dashboard")


def counted_dashboard(play: Play) -> Any:
    return until(
        lambda: seen_dashboard(play),
        lambda seen: seen["predictions"] >= len(play.shown),
        what="every prediction is counted",
        within=120,
    )


def review_queue(play: Play, count: int, *, newest: bool, quiet: bool = False) -> int:
    """Review what the queue serves, from its front; or the newest pictures, by hand."""
    api, deployment = play.api, play.ids["deployment"]
    path = f"{REVIEW}/deployments/{deployment}"
    if newest:
        items = api.get(f"{path}/predictions", status="TO_REVIEW", limit=min(count, 200))["items"]
    else:
        items = until(
            lambda: api.get(f"{path}/queue", limit=count)["items"],
            bool,
            what="the queue serves a picture",
            within=120,
        )
    chosen = items[:count]
    for item in chosen if quiet else play.track(chosen, "reviews", len(chosen)):
        body = {
            "shapes": play.shown[item["id"]].shapes,
            "start": "BLANK",
            "draw": item.get("draw"),
        }
        api.put(
            f"{path}/predictions/{item['id']}/review", body, **{"If-Match": f'"{item["revision"]}"'}
        )
    return len(chosen)


def job_done(play: Play, service: str, job: str, what: str, *, within: float) -> None:
    bar = play.bar(what, None)
    done = until(
        lambda: play.api.get(f"/api/{service}/v1/jobs/{job}"),
        lambda seen: seen["state"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
        what=what,
        within=within,
        seen=lambda seen: bar.to(seen["done"], total=seen["total"] or None),
    )
    if done["state"] != "SUCCEEDED":
        raise DidNotHappen(f"{what}: {done['state']}: {done['error']}")


def experiment_done(play: Play, experiment: str, what: str, *, within: float) -> Any:
    bar = play.bar(what, None)
    done = until(
        lambda: play.api.get(f"{TRAINER}/experiments/{experiment}"),
        lambda seen: seen["status"] in ("SUCCESS", "FAILED", "CANCELED"),
        what=what,
        within=within,
        seen=lambda seen: bar.to(seen["done"], total=seen["total"] or None),
    )
    if done["status"] != "SUCCESS":
        raise DidNotHappen(f"{what}: {done['status']}: {done['error']}")
    return done


def last_of(values: list[Any]) -> Any:
    return next((value for value in reversed(values) if value is not None), None)
