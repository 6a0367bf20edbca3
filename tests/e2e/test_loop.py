"""The whole loop, one body, both modes: a model degrades, is reviewed, retrained, promoted."""

from typing import Any

import pytest
from rich.console import Console

from sightloop.demo.api import Api, until
from sightloop.demo.hands import DEPLOYER, FEEDBACK, INGEST, REVIEW, TRAINER
from sightloop.demo.play import Amounts, Play, Stage, perform
from sightloop.demo.story import STAGES
from tests.support.marks import Marks
from tests.support.platform import Platform
from tests.support.repeating import tell_again

AMOUNTS = Amounts(
    champion_steps=60, retraining_steps=60, clean=40, changed=60, reviews=12, shadowed=60,
    held_back=20, input_size=(96, 64),
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


# Each service is killed, or stopped, once in the middle of the loop; in one process, all are.
KILLED = {"1": ["trainer"], "2": ["ingest", "serving"], "4": ["metrics"], "6": ["deployer"]}
STOPPED = {"1": ["gateway"], "3": ["review"], "5": ["feedback"]}


def restarting(platform: Platform, name: str, stage: Stage) -> Stage:
    """The stage, and after it the end and new start of some services."""

    def played(play: Play) -> dict[str, Any]:
        observed = stage(play)
        for plan, kill in ((KILLED, True), (STOPPED, False)):
            services = plan.get(name[0], [])
            if platform.mode == "embedded":
                services = ["up"] if name[0] in ("3", "6") and kill is (name[0] == "3") else []
            for service in services:
                platform.restart(service, kill=kill)
        return observed

    return played


@pytest.fixture(scope="module")
def played(platform: Platform) -> dict[str, Any]:
    """What was observed, by the number of its stage."""
    api = Api(platform.url, platform.token)
    stages = [(name, restarting(platform, name, stage)) for name, stage in STAGES]
    try:
        play = Play(api, Marks(pictures=60), AMOUNTS, Console(quiet=True))
        report = perform(play, stages)
    finally:
        api.close()
    missed = [stage for stage in report if not stage["happened"]]
    logs = "".join(p.tail() for p in platform.processes.values()) if missed else ""
    assert missed == [], logs
    return {stage["stage"][0]: stage["observed"] for stage in report} | {"ids": play.ids}


def test_the_champion_degrades_and_drift_says_so_without_a_label(played: dict[str, Any]) -> None:
    assert played["3"]["drift_alarm"] is False
    assert played["4"]["drift_alarm"] is True
    assert played["4"]["drift_d"] > played["3"]["drift_d"]


def test_every_review_is_in_the_dataset_once(played: dict[str, Any]) -> None:
    assert played["5"]["submitted"] == AMOUNTS.reviews
    assert played["5"]["refused"] == []
    assert played["5"]["assets_in_dataset"] == AMOUNTS.reviews


def test_one_crossing_makes_one_training(played: dict[str, Any]) -> None:
    assert played["6"]["crossings"] == 1
    assert played["6"]["status"] == "SUCCESS"


def test_the_verdict_is_reached_and_acted_on(played: dict[str, Any]) -> None:
    verdict = played["7"]
    assert verdict["verdict"] == "BETTER"
    assert verdict["e_value"] >= 1 / verdict["alpha"]
    assert verdict["reviews"] >= 20
    assert verdict["champion"] == played["ids"]["shadow"]


def test_the_new_champion_is_better_and_the_books_balance(played: dict[str, Any]) -> None:
    assert played["8"]["after"]["map_50"] > played["8"]["before"]["map_50"] + 0.2
    books = played["8"]["ledger"]
    assert books["balanced"]
    assert books["stored"] == AMOUNTS.clean + AMOUNTS.changed + AMOUNTS.shadowed
    assert books["rejected"] == 0


def test_what_is_told_twice_happens_once(platform: Platform, played: dict[str, Any]) -> None:
    ids = played["ids"]
    deployment = ids["deployment"]
    with platform.client() as client:

        def state() -> dict[str, Any]:
            def get(path: str) -> Any:
                return client.get(path).raise_for_status().json()

            books = get(f"{INGEST}/deployments/{deployment}/ledger")
            return {
                "stored": books["stored"],
                "balanced": books["balanced"],
                "counts": get(f"{REVIEW}/deployments/{deployment}/counts"),
                "assets": get(f"{FEEDBACK}/versions/{ids['production']}")["assets"],
                "training": get(f"{FEEDBACK}/deployments/{deployment}/training")["crossings"],
                "experiments": len(get(f"{TRAINER}/experiments?deployment={deployment}")["items"]),
                "versions": len(get(f"{DEPLOYER}/models/{ids['model']}/versions")["items"]),
                "rollouts": len(get(f"{DEPLOYER}/deployments/{deployment}/rollouts")["items"]),
                "predictions": get(f"/api/metrics/v1/deployments/{deployment}/dashboard")[
                    "predictions"
                ],
            }

        before = until(
            state,
            lambda seen: (
                seen["balanced"]
                and seen["predictions"] == seen["stored"] == sum(seen["counts"].values())
            ),
            what="everything has arrived everywhere",
            within=300,
        )
        repeated = tell_again(platform.bus_url)
        assert repeated > AMOUNTS.reviews
        # One more prediction on each topic's heels shows that the repeats have been read.
        marker = client.post(
            f"/api/serving/v1/deployments/{deployment}/predict",
            files={"image": ("last.png", next(iter(Marks().training())).content, "image/png")},
        ).raise_for_status()
        assert marker.json()["prediction_id"]
        counts = before["counts"] | {"TO_REVIEW": before["counts"]["TO_REVIEW"] + 1}
        expected = before | {
            "stored": before["stored"] + 1,
            "predictions": before["predictions"] + 1,
            "counts": counts,
        }
        until(state, lambda seen: seen == expected, what="nothing happened twice", within=300)
