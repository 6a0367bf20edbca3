"""The interface in a real browser, on the running platform: what its users do, by their hands."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from sightloop.demo.api import until
from tests.support.browser import Watched
from tests.support.dock import LABELS, Dock
from tests.support.marks import HEIGHT, WIDTH
from tests.support.platform import Platform

pytestmark = [pytest.mark.slow, pytest.mark.browser]

_PAINTED = """([of, count]) => [...document.querySelectorAll(of)].filter((canvas) => {
  if (!canvas.width || !canvas.height) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 1;
}).length === count"""


def test_a_wrong_token_is_refused_in_words_and_the_right_one_leads_on(
    window: BrowserContext, platform: Platform
) -> None:
    assert window.browser is not None
    stranger = window.browser.new_context(base_url=platform.url)
    with Watched(stranger.new_page(), {401}) as watched:
        page = watched.page
        page.goto(f"/o/{platform.organization}/deployments?q=dock")
        page.get_by_label("Token").fill("not the token")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not valid")
        expect(page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
        watched.picture(f"wrong-token-{platform.mode}")
        page.get_by_label("Token").fill(platform.token)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Deployments")).to_be_visible()
        expect(page).to_have_url(re.compile(r"/deployments\?q=dock$"))
    stranger.close()


def test_the_dashboard_moves_by_itself(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    with visit(dock, "dashboard?range=1h") as watched:
        page = watched.page
        shown = page.get_by_test_id("predictions-in-range")
        expect(page.get_by_text("No prediction yet")).to_be_visible()
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        page.evaluate("window.sameDocument = true")
        for count in (3, 9):
            dock.log(count - dock.logged)
            expect(shown).to_have_text(str(count))
        assert page.evaluate("window.sameDocument") is True
        expect(page.get_by_role("heading", name="Volume")).to_be_visible()
        expect(page.get_by_role("link", name="balanced ✓")).to_be_visible()
        watched.picture(f"dashboard-{platform.mode}")


def test_images_are_reviewed_by_keyboard(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    dock.log(3)
    first, second, third = dock.predicted()
    with visit(dock, "predictions?order=asc") as watched:
        page = watched.page
        expect(_tiles(page)).to_have_count(3)
        _painted(page, 3)
        watched.picture(f"predictions-{platform.mode}")
        page.get_by_role("button", name=f"Review {first['filename']}").click()
        _on(page, first)
        page.keyboard.press("Enter")  # as the model said

        _on(page, second)
        page.keyboard.press("j")
        page.keyboard.press("Shift+ArrowRight")  # moved by ten pixels
        page.keyboard.press("2")  # and named a square
        page.keyboard.press("b")
        _drag(page, (0.30, 0.35), (0.45, 0.55))
        page.keyboard.press("v")
        page.keyboard.press("k")
        watched.picture(f"review-{platform.mode}")
        page.keyboard.press("Enter")

        _on(page, third)
        page.keyboard.press("j")
        page.keyboard.press("Delete")
        page.keyboard.press("e")  # nothing there
        expect(page.get_by_role("status", name="Saving")).to_contain_text("saved")

    said = first["champion"]["shapes"]
    kept = dock.reviewed(first["id"])
    assert kept["start"] == "CHAMPION"
    assert kept["shapes"]["labels"] == [LABELS[one] for one in said["classes"]]
    assert kept["shapes"]["boxes"] == said["boxes"]

    said = second["champion"]["shapes"]
    changed = dock.reviewed(second["id"])["shapes"]
    assert len(changed["labels"]) == len(said["classes"]) + 1
    x, y, w, h = said["boxes"][0]
    assert changed["labels"][0] == "square"
    assert changed["boxes"][0] == pytest.approx([min(x + 10, WIDTH - w), y, w, h])
    assert changed["boxes"][1:-1] == said["boxes"][1:]
    x, y, w, h = changed["boxes"][-1]
    assert w > 3
    assert h > 3
    assert x + w <= WIDTH
    assert y + h <= HEIGHT
    assert dock.reviewed(third["id"])["shapes"]["labels"] == []


def test_a_submission_says_what_became_of_it(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    dock.log(2)
    for one in dock.predicted():
        dock.review_as_empty(one)
    with visit(dock, "predictions") as watched:
        page = watched.page
        page.get_by_role("button", name="Submit all reviewed (2)").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("feedback loop is off")).to_be_visible()
        expect(dialog.get_by_role("button", name="Submit 2")).to_be_disabled()
        watched.picture(f"submission-off-{platform.mode}")
        page.keyboard.press("Escape")

        _feed_into_a_dataset(dock)
        page.reload()
        page.get_by_role("button", name="Submit all reviewed (2)").click()
        dialog.get_by_role("button", name="Submit 2").click()
        expect(page.get_by_text("2 sent").first).to_be_visible()
        expect(_tiles(page).filter(has_text="submitted")).to_have_count(2)
        watched.picture(f"submitted-{platform.mode}")


def test_a_refused_submission_is_seen_with_its_review(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    dock.log(1)
    (only,) = dock.predicted()
    dock.review_as_empty(only)
    dock.api.post(f"{dock.reviews}/submissions", {"all_reviewed": True})
    until(
        lambda: dock.one(only["id"])["submission"]["state"],
        lambda state: state == "refused",
        what="the feedback loop, which is off, refuses",
        within=300,
    )
    with visit(dock, f"review/{only['id']}?src=list") as watched:
        badge = watched.page.get_by_text("refused by the dataset")
        expect(badge).to_be_visible()
        assert "feedback loop" in (badge.get_attribute("title") or "")
        watched.picture(f"submission-refused-{platform.mode}")


def test_the_second_reviewer_of_an_image_sees_both_reviews(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    dock.log(2)
    first, second = dock.predicted()
    with visit(dock, "predictions?order=asc", allowed={409}) as watched:
        page = watched.page
        page.get_by_role("button", name=f"Review {first['filename']}").click()
        _on(page, first)
        dock.api.put(
            f"{dock.reviews}/predictions/{first['id']}/review",
            {
                "shapes": {"labels": ["disc"], "boxes": [[100, 60, 40, 40]]},
                "start": "BLANK",
                "draw": None,
            },
            **{"If-Match": '"0"'},
        )
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("reviewed by somebody else")
        expect(dialog.get_by_role("region", name="Their review")).to_contain_text("100, 60, 40, 40")
        _on(page, second)  # the work behind it goes on
        _painted(page, 2, of="dialog canvas")
        watched.picture(f"conflict-{platform.mode}")
        dialog.get_by_role("button", name="Take mine").click()
        expect(dialog).to_have_count(0)
    assert (
        dock.reviewed(first["id"], revision=2)["shapes"]["boxes"]
        == (first["champion"]["shapes"]["boxes"])
    )


def _on(page: Page, prediction: dict[str, Any]) -> None:
    """The review page shows this picture, with the shapes that the champion saw."""
    shapes = len(prediction["champion"]["shapes"]["classes"])
    shown = page.get_by_label(f"Picture {prediction['filename']}, {shapes} shapes")
    expect(shown).to_be_visible()


def _tiles(page: Page) -> Locator:
    return page.get_by_role("list", name="Predictions").get_by_role("listitem")


def _painted(page: Page, count: int, *, of: str = ".tile canvas") -> None:
    """So many canvases carry more than one colour."""
    page.wait_for_function(_PAINTED, arg=[of, count])


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Over the picture, from share to share of the canvas's sides."""
    box = page.get_by_label("Picture dock").bounding_box()
    assert box is not None
    (ax, ay), (bx, by) = start, end
    page.mouse.move(box["x"] + ax * box["width"], box["y"] + ay * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + bx * box["width"], box["y"] + by * box["height"], steps=4)
    page.mouse.up()


def _feed_into_a_dataset(dock: Dock) -> None:
    dataset = dock.api.post("/api/feedback/v1/datasets", {"name": f"reviewed {dock.id}"})["id"]
    version = dock.api.post(
        f"/api/feedback/v1/datasets/{dataset}/versions",
        {"version": "production", "type": "OBJECT_DETECTION", "labels": list(LABELS)},
    )["id"]
    dock.api.put(
        f"/api/feedback/v1/deployments/{dock.id}/feedback-loop",
        {"active": True, "dataset_versions": [version], "automatic": False},
    )
