"""The dashboard in a real browser: what a chart shows leads to the predictions behind it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import FloatRect, Page, expect

from sightloop.demo.api import until
from tests.support.browser import Watched
from tests.support.dock import Dock
from tests.support.platform import Platform

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# Pixels between a chart's edges and its plot: `grid` in web/src/lib/timechart.ts.
_LEFT, _RIGHT = 52, 48


@pytest.mark.usefixtures("same_pages")
def test_a_chart_zooms_pins_leads_to_its_predictions_and_goes_back(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    dock.log(5)
    dock.predicted()
    end = datetime.now(UTC) + timedelta(seconds=1)
    asked = {"from": _iso(end - timedelta(minutes=30)), "to": _iso(end)}
    whole = _counted(dock, asked)
    with visit(dock, f"dashboard?from={asked['from']}&to={asked['to']}") as watched:
        page = watched.page
        expect(page.get_by_test_id("predictions-in-range")).to_have_text("5")
        at = _place(whole, _fullest(whole))
        plot = _plot(page, "Volume")
        page.mouse.move(_x(plot, max(0.0, at - 0.2)), _y(plot))
        page.mouse.down()
        page.mouse.move(_x(plot, min(1.0, at + 0.05)), _y(plot), steps=5)
        page.mouse.up()
        page.wait_for_url(lambda url: asked["from"] not in unquote(url))
        zoomed = {name: some[0] for name, some in parse_qs(urlsplit(page.url).query).items()}
        assert zoomed["from"] > asked["from"]
        expect(page.get_by_test_id("predictions-in-range")).to_have_text("5")

        narrow = _counted(dock, zoomed)
        bucket = _fullest(narrow)
        plot = _plot(page, "Volume")
        page.mouse.click(_x(plot, _place(narrow, bucket)), _y(plot))
        pinned = page.get_by_role("dialog", name="Pinned values")
        number = narrow["volume"][bucket]
        link = pinned.get_by_role("link", name=f"Open {number} predictions")
        expect(link).to_be_visible()
        watched.picture(f"dashboard-pinned-{platform.mode}")
        link.click()
        expect(page.get_by_role("combobox", name="Query")).to_have_value(
            re.compile('^time >= "[^"]+" and time < "[^"]+"$')
        )
        tiles = page.get_by_role("list", name="Predictions").get_by_role("listitem")
        expect(tiles).to_have_count(number)

        page.go_back()
        expect(page.get_by_test_id("predictions-in-range")).to_have_text("5")
        page.keyboard.press("z")
        page.wait_for_url(lambda url: asked["from"] in unquote(url))


@pytest.mark.usefixtures("same_pages")
def test_numbers_of_reviews_stand_beside_the_charts(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    dock.log(3)
    for one in dock.predicted()[:2]:
        dock.review_as_empty(one)
    until(
        lambda: dock.api.get(f"/api/metrics/v1/deployments/{dock.id}/quality")["images"],
        lambda images: images == 2,
        what="metrics know both reviews",
        within=300,
    )
    with visit(dock, "dashboard?range=1h") as watched:
        page = watched.page
        for name in ("Average precision", "Confusion", "Calibration", "Errors by kind"):
            expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        harm = page.get_by_role("region", name="Harm")
        expect(harm).to_contain_text("of 300 drawn reviews")
        expect(page.get_by_role("region", name="Disagreement")).to_contain_text("No shadow")
        errors = page.get_by_role("region", name="Errors by kind")
        errors.get_by_role("button", name="Errors by kind: more").click()
        errors.get_by_role("button", name="Show as table").click()
        expect(errors.get_by_role("row", name="Missed")).to_contain_text("0")


def test_what_happens_while_the_stream_is_cut_is_there_when_it_is_back(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    if platform.mode == "embedded":
        pytest.skip("the stream alone cannot be cut where one process is everything")
    dock.log(1)
    with visit(dock, "dashboard?range=1h") as watched:
        page = watched.page
        shown = page.get_by_test_id("predictions-in-range")
        expect(shown).to_have_text("1")
        page.evaluate("window.sameDocument = true")
        platform.processes["gateway"].stop()
        expect(page.get_by_text("Live updates lost")).to_be_visible()
        platform.processes["gateway"].start()
        platform.processes["gateway"].wait_ready()
        dock.log(3)
        expect(shown).to_have_text("4")
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        assert page.evaluate("window.sameDocument") is True


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _counted(dock: Dock, span: dict[str, str]) -> dict[str, Any]:
    """The dashboard's numbers of a span, once all five predictions are counted."""
    found: dict[str, Any] = until(
        lambda: dock.api.get(f"/api/metrics/v1/deployments/{dock.id}/dashboard", **span),
        lambda document: document["predictions"] == 5,
        what="metrics have counted what was logged",
        within=300,
    )
    return found


def _fullest(document: dict[str, Any]) -> int:
    volume: list[int] = document["volume"]
    return volume.index(max(volume))


def _place(document: dict[str, Any], bucket: int) -> float:
    """Where the middle of a bucket is, as a share of the plot's width."""
    start = datetime.fromisoformat(document["from"]).timestamp()
    end = datetime.fromisoformat(document["to"]).timestamp()
    middle = document["t"][bucket] + document["bucket_seconds"] / 2
    return float(min(0.999, (middle - start) / (end - start)))


def _plot(page: Page, title: str) -> FloatRect:
    chart = page.get_by_role("region", name=title, exact=True).locator(".echart")
    expect(chart.locator("canvas")).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    return box


def _x(plot: FloatRect, share: float) -> float:
    return plot["x"] + _LEFT + share * (plot["width"] - _LEFT - _RIGHT)


def _y(plot: FloatRect) -> float:
    return plot["y"] + plot["height"] / 2
