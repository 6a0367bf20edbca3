"""The Grafana dashboard and the alert rules say what the code measures, and all that is wrong."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.telemetry.metrics import Declared, declared
from sightloop.targets import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "grafana"
_NAME = re.compile(r"sightloop_\w+")


def metrics() -> dict[str, Declared]:
    """What the processes of the platform can show; importing them declares it."""
    for service in SERVICES:
        importlib.import_module(f"services.{service}.service")
    importlib.import_module("libs.runtime.supervisor")
    return declared()


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    document = json.loads((FOLDER / "dashboard.json").read_text())
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def test_every_metric_that_is_named_exists() -> None:
    known = {series for metric in metrics().values() for series in metric.series}
    named = [rule["expr"] for rule in rules()]
    named += [target["expr"] for panel in panels() for target in panel["targets"]]
    unknown = {name for expr in named for name in _NAME.findall(expr)} - known
    assert unknown == set()


def test_every_metric_that_says_something_is_wrong_has_a_rule() -> None:
    watched = {name for rule in rules() for name in _NAME.findall(rule["expr"])}
    unwatched = [
        metric.name for metric in metrics().values() if metric.wrong and not metric.series & watched
    ]
    assert unwatched == []


def test_a_rule_watches_only_what_is_declared_to_say_that_something_is_wrong() -> None:
    wrong = {series for metric in metrics().values() if metric.wrong for series in metric.series}
    assert {name for rule in rules() for name in _NAME.findall(rule["expr"])} <= wrong


def test_every_metric_has_a_place_on_the_dashboard() -> None:
    shown = {
        name
        for panel in panels()
        for target in panel["targets"]
        for name in _NAME.findall(target["expr"])
    }
    assert [m.name for m in metrics().values() if not m.series & shown] == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_has_a_severity_a_sentence_and_its_paragraph(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    page = (ROOT / rule["annotations"]["runbook"]).read_text()
    assert f"`{rule['alert']}`" in page
    service = rule["labels"]["service"]
    expected = "docs/operations.md" if service == "all" else f"services/{service}/README.md"
    assert rule["annotations"]["runbook"] == expected


def test_panels_have_ids_of_their_own_a_sentence_and_a_place() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
