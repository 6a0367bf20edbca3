"""A signed-in browser on the running platform, and a deployment to look at with it."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from sightloop.demo.api import Api
from tests.support.browser import Watched, browsing
from tests.support.dock import LABELS, Dock
from tests.support.models import tiny_detector
from tests.support.platform import Platform


@pytest.fixture(scope="module")
def window(platform: Platform) -> Iterator[BrowserContext]:
    """A browser that has signed in with the token, by typing it."""
    with browsing(platform.url) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Token").fill(platform.token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Deployments")).to_be_visible()
        page.close()
        yield context


@pytest.fixture
def dock(platform: Platform) -> Iterator[Dock]:
    api = Api(platform.url, platform.token)
    yield Dock(api, tiny_detector(api, name=f"dock {uuid4().hex[:6]}", labels=LABELS))
    api.close()


@pytest.fixture
def visit(window: BrowserContext, platform: Platform) -> Iterator[Callable[..., Watched]]:
    """Opens a page of a deployment; it may answer with no other error than those allowed."""
    opened: list[Page] = []

    def open_page(dock: Dock, path: str, *, allowed: set[int] | None = None) -> Watched:
        page = window.new_page()
        opened.append(page)
        watched = Watched(page, allowed or set())
        page.goto(f"/o/{platform.organization}/deployments/{dock.id}/{path}")
        return watched

    yield open_page
    for page in opened:
        page.close()


@pytest.fixture
def same_pages(platform: Platform) -> None:
    """For what is the browser's alone: in the split mode the same files are served."""
    if platform.mode != "embedded":
        pytest.skip("the pages are the same in both modes")
