"""The whole loop, one body, both modes: a model degrades, is reviewed, retrained, promoted."""

from typing import Any

import pytest
from rich.console import Console

from sightloop.demo.api import Api
from sightloop.demo.play import Amounts, Play, perform
from sightloop.demo.story import STAGES
from tests.support.marks import Marks
from tests.support.platform import Platform

AMOUNTS = Amounts(
    champion_steps=60, retraining_steps=60, clean=40, changed=60, reviews=12, shadowed=60,
    held_back=20, input_size=(96, 64),
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def played(platform: Platform) -> dict[str, Any]:
    """What was observed, by the number of its stage."""
    api = Api(platform.url, platform.token)
    try:
        play = Play(api, Marks(pictures=60), AMOUNTS, Console(quiet=True))
        report = perform(play, STAGES)
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
