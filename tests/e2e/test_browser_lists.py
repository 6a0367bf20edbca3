"""Finding predictions in a real browser, and pages that everybody can use."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.support.axe import violations
from tests.support.browser import Watched
from tests.support.dock import Dock
from tests.support.platform import Platform

pytestmark = [pytest.mark.slow, pytest.mark.browser]

_OF_A_DEPLOYMENT = (
    "dashboard?range=1h", "predictions", "predictions?view=table", "predictions?q=boxs+%3E+3",
    "predictions?q=boxes+%3E+900", "review/next?src=queue", "rollouts/current", "settings/general",
    "settings/training-data", "settings/feedback-loop", "settings/training", "settings/delivery",
    "settings/alerts",
)  # fmt: skip
_OF_ALL = (
    "deployments", "datalake", "datasets", "projects/all/experiments", "models", "operations/books",
    "operations/dead-letters", "operations/consumers", "settings/receivers",
)  # fmt: skip
_DIALOGS = (
    ("settings/alerts", "New rule"), ("settings/alerts", "Delete slow"),
    ("../../settings/receivers", "New receiver"), ("../../datalake", "Upload"),
    ("../../datalake", "Register"), ("../../datasets", "New dataset"),
)  # fmt: skip


@pytest.mark.usefixtures("same_pages")
def test_a_query_is_completed_mended_narrowed_and_shared(
    dock: Dock, visit: Callable[..., Watched], window: BrowserContext, platform: Platform
) -> None:
    dock.log(4)
    dock.review_as_empty(dock.predicted()[0])
    with visit(dock, "predictions", allowed={422}) as watched:
        page = watched.page
        expect(_tiles(page)).to_have_count(4)
        page.keyboard.press("/")
        query = page.get_by_role("combobox", name="Query")
        page.keyboard.type("stat")
        options = page.get_by_role("listbox", name="Completions").get_by_role("option")
        expect(options).to_have_count(1)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(query).to_have_value("status ")
        page.keyboard.type('= "REVEWED"')
        page.keyboard.press("Enter")
        expect(query).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_role("status", name="Query")).to_contain_text("REVEWED")
        expect(page.locator(".query-mirror .wrong")).to_have_text('"REVEWED"')
        expect(_tiles(page)).to_have_count(4)  # what was there stays
        watched.picture(f"query-wrong-{platform.mode}")
        page.get_by_role("button", name='"REVIEWED"').click()
        expect(query).to_have_value('status = "REVIEWED"')
        expect(_tiles(page)).to_have_count(1)
        expect(page.get_by_role("status", name="Matches")).to_have_text("1 match")

        facets = page.get_by_role("complementary", name="Facets")
        expect(facets.get_by_role("checkbox", name="reviewed")).to_be_checked()
        facets.get_by_role("checkbox", name="to review").check()
        expect(query).to_have_value('status in ("REVIEWED", "TO_REVIEW")')
        expect(_tiles(page)).to_have_count(4)
        page.go_back()
        expect(query).to_have_value('status = "REVIEWED"')
        expect(_tiles(page)).to_have_count(1)
        facets.get_by_role("button", name="has not disc").click()
        expect(query).to_have_value('status = "REVIEWED" and labels != "disc"')
        address = page.url

    assert window.browser is not None
    second = window.browser.new_context(base_url=platform.url)
    with Watched(second.new_page(), {401}) as watched:
        page = watched.page
        page.goto(address)
        page.get_by_label("Token").fill(platform.token)
        page.keyboard.press("Enter")
        expect(page.get_by_role("combobox", name="Query")).to_have_value(
            'status = "REVIEWED" and labels != "disc"'
        )
        expect(page).to_have_url(re.compile(r"[?&]q=status"))
    second.close()


@pytest.mark.usefixtures("same_pages")
def test_every_page_passes_axe_in_light_and_dark(
    dock: Dock, visit: Callable[..., Watched], window: BrowserContext, platform: Platform
) -> None:
    dock.log(3)
    dock.review_as_empty(dock.predicted()[0])
    dock.api.post(
        f"/api/metrics/v1/deployments/{dock.id}/alert-rules",
        {
            "name": "slow",
            "metric": "latency.champion.p95",
            "operator": ">",
            "threshold": 0.5,
            "window_minutes": 15,
        },
    )
    with visit(dock, "dashboard", allowed={404, 422}) as watched:
        page = watched.page
        organization = f"/o/{platform.organization}"
        addresses = [f"{organization}/deployments/{dock.id}/{one}" for one in _OF_A_DEPLOYMENT]
        addresses += [f"{organization}/{one}" for one in _OF_ALL] + ["/me", "/nowhere"]
        found = []
        for address in addresses:
            page.goto(address)
            page.wait_for_load_state("load")
            expect(page.locator("main [aria-busy]")).to_have_count(0)
            found += [f"{address} {one}" for one in _in_both_themes(page)]
        for path, opener in _DIALOGS:
            page.goto(f"{organization}/deployments/{dock.id}/{path}")
            page.get_by_role("button", name=opener).click()
            expect(page.get_by_role("dialog")).to_be_visible()
            found += [f"{opener} {one}" for one in _in_both_themes(page)]
        assert window.browser is not None
        stranger = window.browser.new_context(base_url=platform.url)
        login = stranger.new_page()
        login.goto("/")
        expect(login.get_by_label("Token")).to_be_visible()
        found += [f"login {one}" for one in _in_both_themes(login)]
        stranger.close()
        assert found == []


def _in_both_themes(page: Page) -> list[str]:
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        expect(page.locator(f"html[data-theme={theme}]")).to_have_count(1)
        found += [f"{theme} {one}" for one in violations(page)]
    return found


def _tiles(page: Page) -> Locator:
    return page.get_by_role("list", name="Predictions").get_by_role("listitem")
