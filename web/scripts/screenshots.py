"""Pictures of the pages, to be looked at: `python scripts/screenshots.py URL FOLDER [NAME…]`.

Each page at 1440 and 390 px, light and dark. URL is a running system; the token is
read from SIGHTLOOP_TOKEN.
"""

import os
import sys
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
BOTTOM = """() => {
  const last = document.querySelector("#main").lastElementChild;
  return Math.ceil(last?.getBoundingClientRect().bottom ?? 900);
}"""
SIZES = {"1440": (1440, 900), "390": (390, 844)}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def pages(page: Page) -> dict[str, str]:
    """Name and path of each page, with the ids of the running system."""

    def items(path: str) -> list[dict[str, Any]]:
        found = page.evaluate(f"fetch('/api{path}').then(r => r.json())")["items"]
        return cast("list[dict[str, Any]]", found)

    def first(path: str) -> dict[str, Any]:
        return next(iter(items(path)), {})

    org = page.evaluate("fetch('/api/gateway/v1/me').then(r => r.json())")["organization"]["name"]
    made = items("/deployer/v1/deployments")
    asked = "&".join(f"deployment={one['id']}" for one in made)
    busy = {s["deployment"]: s["predictions"] for s in items(f"/metrics/v1/summaries?{asked}")}
    made.sort(key=lambda one: -busy.get(one["id"], 0))
    detecting = [one["id"] for one in made if one["type"] != "CLASSIFICATION"] or ["none"]
    d, empty = detecting[0], detecting[-1]
    other = next((one["id"] for one in made if one["type"] == "CLASSIFICATION"), "none")
    proof = first(f"/deployer/v1/deployments/{d}/rollouts").get("id", "none")
    running = first("/trainer/v1/experiments")
    model = made[0]["champion"]["model"] if made else "none"
    version = first(f"/deployer/v1/models/{model}/versions").get("id", "none")
    at = f"/o/{org}/deployments/{d}"
    image = first("/ingest/v1/data").get("id", "none")
    filled = sorted(items("/feedback/v1/versions"), key=lambda one: -one["assets"])
    held = filled[0] if filled else {"id": "none", "dataset": "none"}
    asset = first(f"/feedback/v1/versions/{held['id']}/assets").get("id", "none")
    dataset = f"/o/{org}/datasets/{held['dataset']}/versions/{held['id']}"
    experiments = f"/o/{org}/projects/{running.get('project', 'all')}/experiments"
    return {
        "deployments": f"/o/{org}/deployments",
        "dashboard": f"{at}/dashboard",
        "dashboard-hour": f"{at}/dashboard?range=1h",
        "dashboard-classes": f"/o/{org}/deployments/{other}/dashboard",
        "dashboard-empty": f"/o/{org}/deployments/{empty}/dashboard",
        "predictions": f"{at}/predictions",
        "predictions-table": f"{at}/predictions?view=table&sort=outlier",
        "predictions-empty": f"{at}/predictions?q=boxes+%3E+900",
        "predictions-wrong": f"{at}/predictions?q=boxs+%3E+3+and+outlier+%3E+0.5",
        "review": f"{at}/review/next?src=queue",
        "review-classes": f"/o/{org}/deployments/{other}/review/next?src=queue",
        "settings-general": f"{at}/settings/general",
        "settings-training-data": f"{at}/settings/training-data",
        "settings-feedback-loop": f"{at}/settings/feedback-loop",
        "settings-training": f"{at}/settings/training",
        "settings-delivery": f"{at}/settings/delivery",
        "settings-alerts": f"{at}/settings/alerts",
        "receivers": f"/o/{org}/settings/receivers",
        "rollout": f"{at}/rollouts/current",
        "rollout-proof": f"{at}/rollouts/{proof}",
        "rollout-empty": f"/o/{org}/deployments/{other}/rollouts/current",
        "experiments": f"/o/{org}/projects/all/experiments",
        "experiment": f"{experiments}/{running.get('id', 'none')}",
        "models": f"/o/{org}/models",
        "versions": f"/o/{org}/models/{model}/versions",
        "version": f"/o/{org}/models/{model}/versions/{version}",
        "datalake": f"/o/{org}/datalake",
        "datalake-empty": f"/o/{org}/datalake?q=width+%3E+90000",
        "datalake-wrong": f"/o/{org}/datalake?q=widht+%3E+3",
        "image": f"/o/{org}/datalake/{image}",
        "datasets": f"/o/{org}/datasets",
        "dataset-assets": dataset,
        "dataset-asset": f"{dataset}?asset={asset}",
        "dataset-labels": f"{dataset}?view=labels",
        "dataset-changes": f"{dataset}?view=changes",
        "dataset-origin": f"{dataset}?view=origin",
        "books": f"/o/{org}/operations/books",
        "me": "/me",
        "not-found": f"/o/{org}/nowhere",
    }


def shoot(
    browser: Browser, url: str, *, folder: Path, theme: str, size: str, only: set[str]
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Paris",
    )
    page = context.new_page()
    page.on("console", lambda m: say(f"  {m.type}: {m.text}") if m.type == "error" else None)
    page.on("response", lambda r: say(f"  {r.status} {r.url}") if r.status >= 400 else None)
    page.on("pageerror", lambda error: say(f"  page error: {error}"))
    page.goto(url)
    page.get_by_label("Token").wait_for()
    if not only or "login" in only:
        page.screenshot(path=folder / f"login-{size}-{theme}.png")
    page.get_by_label("Token").fill(os.environ["SIGHTLOOP_TOKEN"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Deployments").wait_for()
    for name, path in pages(page).items():
        if only and name not in only:
            continue
        say(f"{name} {size} {theme}")
        page.goto(url + path)
        page.wait_for_timeout(1500)
        full = name.startswith(("dashboard", "settings", "rollout"))
        if full:
            page.set_viewport_size({"width": width, "height": 2600})
            page.wait_for_timeout(700)
            bottom = page.evaluate(BOTTOM)
            page.set_viewport_size({"width": width, "height": min(3400, max(height, bottom + 60))})
            page.wait_for_timeout(500)
        page.screenshot(path=folder / f"{name}-{size}-{theme}.png")
        if full:
            page.set_viewport_size({"width": width, "height": height})
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            say(f"  wider than the window by {overflow} px")
    context.close()


def main() -> None:
    url, folder, *names = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    themes = os.environ.get("THEMES", "light dark").split()
    sizes = os.environ.get("SIZES", "1440 390").split()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for size in sizes:
            for theme in themes:
                shoot(browser, url, folder=Path(folder), theme=theme, size=size, only=set(names))
        browser.close()


if __name__ == "__main__":
    main()
