"""The pipeline set up by hand in a real browser: pictures in, a dataset, a training, a shadow."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from sightloop.demo.api import Api
from sightloop.demo.world import Shot
from tests.support.browser import Watched
from tests.support.dock import LABELS, Dock
from tests.support.marks import Marks, shot
from tests.support.platform import Platform

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.usefixtures("same_pages")
def test_pictures_are_uploaded_found_and_tagged_and_a_version_is_copied_compared_and_frozen(
    window: BrowserContext, platform: Platform
) -> None:
    name = f"yard {uuid4().hex[:6]}"
    # Of no other test: bytes that are there already make no image.
    shots = [shot(7_000_000 + n, changed=False, name=f"yard-{n}.png") for n in range(8)]
    api = Api(platform.url, platform.token)
    with Watched(window.new_page(), {422}) as watched:
        page = watched.page
        page.goto(f"/o/{platform.organization}/datalake")
        page.get_by_role("button", name="Upload").click()
        dialog = page.get_by_role("dialog")
        files = [
            FilePayload(name=one.filename, mimeType="image/png", buffer=one.content)
            for one in shots[:3]
        ]
        dialog.get_by_label("Files").set_input_files(files)
        dialog.get_by_label("Source").fill(name)
        dialog.get_by_role("button", name="Upload 3").click()
        uploads = page.get_by_role("region", name="Uploads")
        expect(uploads.get_by_role("status")).to_have_text("3 uploaded")

        _ask(page, f'sorce = "{name}"')
        expect(page.get_by_role("combobox", name="Query")).to_have_attribute("aria-invalid", "true")
        _ask(page, f'source = "{name}"')
        expect(page.get_by_role("status", name="Matches")).to_have_text("3 match")
        bar = page.get_by_role("toolbar", name="Selection")
        expect(bar).to_contain_text("All 3 matching")
        bar.get_by_role("button", name="Tags").click()
        dialog.get_by_label("Add").fill("rain, night")
        dialog.get_by_label("Add").press("Enter")
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_text("3 of 3 changed")).to_be_visible()
        _ask(page, f'source = "{name}" and tags = "night" and tags = "rain"')
        expect(page.get_by_role("status", name="Matches")).to_have_text("3 match")
        watched.picture(f"datalake-{platform.mode}")

        page.get_by_role("link", name="Datasets").click()
        page.get_by_role("button", name="New dataset").click()
        dialog.get_by_label("Name").fill(name)
        dialog.get_by_role("button", name="Make").click()
        page.get_by_role("region", name=name).get_by_role("button", name="New version").click()
        dialog.get_by_label("Version").fill("all")
        dialog.get_by_label("Labels").fill(", ".join(LABELS))
        dialog.get_by_label("Labels").press("Enter")
        dialog.get_by_role("button", name="Make").click()
        page.get_by_role("region", name=name).get_by_role("link", name="all").click()
        expect(page.get_by_text("No image yet")).to_be_visible()
        api.import_coco(page.url.split("/")[-1].split("?")[0], shots, list(LABELS))
        expect(page.get_by_text("· 8 images · 100 % annotated")).to_be_visible()
        page.reload()

        discs = sum("disc" in one.labels for one in shots)
        assert 0 < discs < len(shots)
        _ask(page, 'labels = "disc"')
        expect(page.get_by_role("status", name="Matches")).to_have_text(f"{discs} match")
        page.get_by_role("button", name="Copy", exact=True).click()
        dialog.get_by_label("Name of the new version").fill("discs")
        dialog.get_by_role("button", name=f"Copy {discs}").click()
        dialog.get_by_role("link", name="Open it").click()
        expect(page.get_by_role("heading", name=f"{name} discs")).to_be_visible()
        expect(page.get_by_text(f"· {discs} images · 100 % annotated")).to_be_visible()
        page.get_by_role("navigation", name="Version").get_by_role("link", name="Changes").click()
        expect(page.get_by_label("Compared with")).to_contain_text(f"{name} all")
        removed = len(shots) - discs
        expect(page.get_by_role("button", name=f"Removed {removed}")).to_be_enabled()
        watched.picture(f"dataset-changes-{platform.mode}")
        page.get_by_role("button", name="Freeze").click()
        dialog.get_by_role("button", name="Freeze for good").click()
        expect(page.get_by_text("frozen", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Import")).to_have_count(0)
        page.close()
    api.close()


@pytest.mark.usefixtures("same_pages")
def test_training_data_brings_scores_and_a_review_brings_one_training_and_a_shadow(
    dock: Dock, visit: Callable[..., Watched], platform: Platform
) -> None:
    base, production = _two_versions(dock, list(Marks(pictures=16).training()))
    dock.log(2)
    first, _ = dock.predicted()
    with visit(dock, "dashboard?range=1h") as watched:
        page = watched.page
        panel = page.get_by_role("region", name="Outlier score")
        panel.get_by_role("link", name="Set training data").click()
        page.get_by_label("Dataset version").select_option(label=f"{base} (16 images)")
        page.get_by_role("button", name="Set training data").click()
        expect(page.get_by_text("Reference of 16 images is in use.")).to_be_visible()
        page.get_by_role("link", name="Dashboard").click()
        expect(panel.get_by_role("img", name=re.compile("Outlier score"))).to_be_visible()
        badge = page.get_by_role("link", name=re.compile("^Training data"))
        expect(badge).to_have_class(re.compile(r"\bok\b"))

        settings = page.get_by_role("navigation", name="Settings")
        page.get_by_role("link", name="Settings").click()
        settings.get_by_role("link", name="Feedback loop").click()
        _check(page, production)
        _on(page, "Feedback loop")
        _check(page, "Submit every review")
        settings.get_by_role("link", name="Delivery").click()
        page.get_by_role("radio", name=re.compile("Deploy as shadow")).check()
        page.get_by_role("button", name="Save").click()
        _on(page, "Continuous delivery")
        settings.get_by_role("link", name="Training", exact=True).click()
        page.get_by_label("Project").select_option(label="New project…")
        page.get_by_label("Name of the new project").fill(f"project of {dock.id}")
        page.get_by_label("Threshold").fill("1")
        page.get_by_role("button", name="Add a dataset").click()
        page.get_by_label("Version of dataset 1").select_option(label=base)
        page.get_by_label("Parameters").fill(
            "steps = 2\ninput_width = 96\ninput_height = 64\nvalidate_every = 0"
        )
        _on(page, "Continuous training")
        watched.picture(f"settings-training-{platform.mode}")

        dock.review_as_empty(first)
        expect(page.get_by_text("Crossed 1 time.")).to_be_visible()
        page.get_by_role("link", name="experiment", exact=True).click()
        expect(page.get_by_text("succeeded", exact=True)).to_be_visible(timeout=300_000)
        page.goto(f"/o/{platform.organization}/deployments/{dock.id}/dashboard?range=1h")
        facts = page.locator(".headline .shadow")
        expect(facts).to_contain_text("v2")
        assert dock.api.get(f"/api/feedback/v1/deployments/{dock.id}/training")["crossings"] == 1
        watched.picture(f"dashboard-shadow-{platform.mode}")


def _ask(page: Page, query: str) -> None:
    box = page.get_by_role("combobox", name="Query")
    box.fill(query)
    box.press("Escape")  # what is completed is closed
    box.press("Enter")


def _check(page: Page, name: str) -> None:
    """Click a box that shows at the next turn what is being saved."""
    box = page.get_by_role("checkbox", name=re.compile(name))
    box.click()
    expect(box).to_be_checked()


def _on(page: Page, name: str) -> None:
    switch = page.get_by_role("switch", name=name)
    switch.click()
    expect(switch).to_be_checked()


def _two_versions(dock: Dock, shots: list[Shot]) -> tuple[str, str]:
    """Names, as forms show them, of a version with these pictures and of one without any."""
    name = f"marks {dock.id[-6:]}"
    dataset = dock.api.post("/api/feedback/v1/datasets", {"name": name})["id"]
    base, _ = (
        dock.api.post(
            f"/api/feedback/v1/datasets/{dataset}/versions",
            {"version": version, "type": "OBJECT_DETECTION", "labels": list(LABELS)},
        )["id"]
        for version in ("training", "production")
    )
    dock.api.import_coco(base, shots, list(LABELS))
    return f"{name} training", f"{name} production"
