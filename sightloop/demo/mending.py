"""The second half of the story: reviews, a training, a verdict, and what is better for it."""

from typing import Any

from sightloop.demo.api import DidNotHappen, until
from sightloop.demo.hands import (
    DEPLOYER,
    FEEDBACK,
    INGEST,
    REVIEW,
    experiment_done,
    log_traffic,
    review_queue,
    seen_dashboard,
)
from sightloop.demo.play import Play
from sightloop.demo.quality import mean_average_precision


def reviews(play: Play) -> dict[str, Any]:
    """A human reviews; the loop feeds what he said into the dataset."""
    api, deployment = play.api, play.ids["deployment"]
    done = review_queue(play, play.amounts.reviews, newest=True)
    dashboard = until(
        lambda: seen_dashboard(play),
        lambda seen: seen["quality"]["reviewed"] >= done,
        what="the reviews count in the metrics",
        within=180,
    )
    sent = api.post(f"{REVIEW}/deployments/{deployment}/submissions", {"all_reviewed": True})
    bar = play.bar("into the dataset", done)
    counts = until(
        lambda: api.get(f"{REVIEW}/deployments/{deployment}/counts"),
        lambda c: c["SUBMITTED"] >= done,
        what="every review is in the dataset",
        within=300,
        seen=lambda c: bar.to(c["SUBMITTED"]),
    )
    version = until(
        lambda: api.get(f"{FEEDBACK}/versions/{play.ids['production']}"),
        lambda seen: seen["assets"] >= done,
        what="the dataset version settles",
        within=180,
    )
    return {
        "reviewed": dashboard["quality"]["reviewed"],
        "champion_quality": dashboard["quality"]["champion"],
        "submitted": sent["submitted"],
        "refused": sent["refused"],
        "settled": counts["SUBMITTED"],
        "assets_in_dataset": version["assets"],
    }


def retraining(play: Play) -> dict[str, Any]:
    """The threshold is crossed: one training, and its model runs as shadow."""
    api, deployment = play.api, play.ids["deployment"]
    training = until(
        lambda: api.get(f"{FEEDBACK}/deployments/{deployment}/training"),
        lambda seen: seen["last"] is not None,
        what="the threshold fires a training",
        within=180,
    )
    experiment = training["last"]["experiment"]
    finished = experiment_done(play, experiment, "retraining, with replay", within=600)
    seen = until(
        lambda: api.get(f"{DEPLOYER}/deployments/{deployment}"),
        lambda found: found["shadow"] is not None,
        what="the new version runs as shadow",
        within=180,
    )
    shadow = seen["shadow"]["version"]
    play.ids["shadow"] = shadow
    until(
        lambda: api.get(f"/api/serving/v1/deployments/{deployment}"),
        lambda s: bool(s["shadow"]) and s["shadow"]["state"] == "loaded",
        what="serving loads the shadow",
        within=180,
    )
    return {
        "why": training["last"]["why"],
        "crossings": training["crossings"],
        "experiment": experiment,
        "status": finished["status"],
        "metrics": finished["metrics"],
        "shadow": shadow,
    }


def verdict(play: Play) -> dict[str, Any]:
    """Champion and shadow see the same pictures; reviews decide, and may be read at any time."""
    api, deployment = play.api, play.ids["deployment"]
    log_traffic(play, play.amounts.shadowed, changed=True, what="predictions of both models")
    bar = play.bar("reviews to a verdict", play.amounts.shadowed)
    reviewed = 0

    def reached() -> bool:
        return bool(
            api.get(f"{DEPLOYER}/deployments/{deployment}")["champion"]["version"]
            == play.ids["shadow"]
        )

    while reviewed < play.amounts.shadowed and not reached():
        reviewed += review_queue(play, 5, newest=False, quiet=True)
        bar.to(reviewed)
    promoted = until(
        lambda: api.get(f"{DEPLOYER}/deployments/{deployment}"),
        lambda seen: seen["champion"]["version"] == play.ids["shadow"],
        what="the shadow is promoted",
        within=120,
    )
    rollouts = api.get(f"{DEPLOYER}/deployments/{deployment}/rollouts")["items"]
    last = api.get(f"{DEPLOYER}/deployments/{deployment}/verdict", of=play.ids["shadow"])
    return {
        "reviews": last["reviews"],
        "sentence": last["sentence"],
        "verdict": last["reached"],
        "e_value": last["e_better"],
        "alpha": last["alpha"],
        "mean_difference": last["mean_difference"],
        "band": [last["low"], last["high"]],
        "champion": promoted["champion"]["version"],
        "rollout": rollouts[0],
    }


def after(play: Play) -> dict[str, Any]:
    """Both versions on pictures that neither has seen, and the books."""
    api, deployment = play.api, play.ids["deployment"]
    shots = list(
        play.track(
            play.world.traffic(play.amounts.held_back, first=100_000, changed=True),
            "held-back pictures", play.amounts.held_back,
        )
    )  # fmt: skip
    quality = {
        name: mean_average_precision(
            api.content(f"{DEPLOYER}/versions/{play.ids[name]}/files/model-latest"),
            play.track(shots, f"looking with the {name}", len(shots)),
            play.world.labels,
        )
        for name in ("champion", "shadow")
    }
    ledger = until(
        lambda: api.get(f"{INGEST}/deployments/{deployment}/ledger"),
        lambda books: books["in_flight"] == 0,
        what="nothing is in flight",
        within=120,
    )
    if not ledger["balanced"]:
        raise DidNotHappen(f"the books balance: {ledger}")
    return {
        "held_back": len(shots),
        "before": quality["champion"],
        "after": quality["shadow"],
        "ledger": ledger,
    }
