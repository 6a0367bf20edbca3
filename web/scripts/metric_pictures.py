"""Pictures of docs/metrics.md: `python scripts/metric_pictures.py URL FOLDER`.

URL is a running `sightloop demo --fill 1500`, whose data are known; the token is read from
SIGHTLOOP_TOKEN. A second version answers the newest images as shadow, and people review some of
them: both are made here, from what the champion said, by a fixed seed. Then each chart of the
dashboard is a picture of few colours.
"""

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MOST_BYTES = 30_000
SHADOWED, REVIEWED = 300, 200
SEED = 6


class Api:
    """The running system."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def __call__(
        self, method: str, path: str, body: Any = None, *, part: str = "", **headers: str
    ) -> Any:
        """The answer's JSON, None where it has none; `part`: of a form, which the body is then.

        Raises HTTPStatusError.
        """
        form = {part: (None, json.dumps(body))} if part else None
        answer = self._client.request(
            method, path, json=None if part else body, files=form, headers=headers
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


def newest(api: Api, deployment: str, count: int) -> list[dict[str, Any]]:
    """The newest predictions that have a picture."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while len(found) < count:
        page = api(
            "GET",
            f"/review/v1/deployments/{deployment}/predictions?has_picture=true&limit=100{cursor}",
        )
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    return found[:count]


def moved(rng: np.random.Generator, box: list[float], by: float) -> list[float]:
    """A box beside a box: `by` is the standard deviation as a share of its sides."""
    x, y, w, h = box
    return [max(x + rng.normal(0, by) * w, 0.0), max(y + rng.normal(0, by) * h, 0.0), w, h]


def shadowed(api: Api, deployment: dict[str, Any], some: list[dict[str, Any]]) -> None:
    """A shadow that says nearly what the champion said."""
    rng, d = np.random.default_rng(SEED), deployment["id"]
    champion = deployment["champion"]
    version = api(
        "POST",
        f"/deployer/v1/models/{champion['model']}/versions",
        {"labels": champion["labels"]},
        part="version",
    )["id"]
    api("PUT", f"/deployer/v1/deployments/{d}/shadow", {"model_version": version})
    for one in some:
        shapes = one["champion"]["shapes"]
        kept = [i for i in range(len(shapes["classes"])) if rng.random() > 0.04]
        placed = [moved(rng, shapes["boxes"][i], 0.03) for i in kept]
        answer = {
            "detection_classes": [shapes["classes"][i] for i in kept],
            "detection_scores": [
                min(max(shapes["scores"][i] + rng.normal(0.02, 0.03), 0), 1) for i in kept
            ],
            "detection_boxes": [[y, x, y + h, x + w] for x, y, w, h in placed],
        }
        api(
            "POST",
            f"/ingest/v1/deployments/{d}/predictions/{one['id']}/shadow",
            {
                "latency": one["champion"]["latency"] * rng.uniform(1.1, 1.5),
                "prediction": answer,
                "model_version": version,
            },
        )


def reviewed(api: Api, deployment: dict[str, Any], some: list[dict[str, Any]]) -> None:
    """People who keep a sure box more often than an unsure one, and now and then rename one."""
    rng, labels = np.random.default_rng(SEED), deployment["champion"]["labels"]
    for one in some:
        shapes = one["champion"]["shapes"]
        kept = [i for i, score in enumerate(shapes["scores"]) if rng.random() < 0.25 + 0.75 * score]
        names = [
            labels[shapes["classes"][i]] if rng.random() < 0.93 else str(rng.choice(labels))
            for i in kept
        ]
        boxes = [moved(rng, shapes["boxes"][i], 0.06) for i in kept]
        if rng.random() < 0.3:
            names.append(str(rng.choice(labels)))
            boxes.append([rng.uniform(0, 250), rng.uniform(0, 180), 40.0, 40.0])
        boxes = [
            [x, y, min(w, one["width"] - x), min(h, one["height"] - y)] for x, y, w, h in boxes
        ]
        api(
            "PUT",
            f"/review/v1/deployments/{deployment['id']}/predictions/{one['id']}/review",
            {"shapes": {"labels": names, "boxes": boxes}, "start": "BLANK", "draw": None},
            **{"If-Match": '"0"'},
        )


def counted(api: Api, deployment: str, start: str) -> None:
    """Wait until metrics have counted all of it."""
    for _ in range(300):
        seen = api("GET", f"/metrics/v1/deployments/{deployment}/dashboard?from={start}")
        compared = (seen["disagreement"] or {"total": {"compared": 0}})["total"]["compared"]
        if seen["quality"]["reviewed"] >= REVIEWED and compared >= SHADOWED:
            return
        time.sleep(1)
    raise TimeoutError("metrics have not counted shadow and reviews in five minutes")


def save(panel: Locator, path: Path) -> int:
    """One chart, in as many colours as fit into `MOST_BYTES`."""
    panel.scroll_into_view_if_needed()
    panel.page.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(panel.screenshot())).convert("RGB")
    for colours in (128, 64, 32, 16):
        out = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        path.write_bytes(out.getvalue())
        if path.stat().st_size <= MOST_BYTES:
            break
    return path.stat().st_size


def name_of(title: str) -> str:
    """A file's name from a chart's title."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def shoot(page: Page, folder: Path) -> None:
    panels = page.locator("[data-panel]")
    for i in range(panels.count()):
        panel = panels.nth(i)
        title = panel.locator("h3").first.inner_text()
        if title == "Last predictions":  # pictures, and no chart
            continue
        size = save(panel, folder / f"{name_of(title)}.png")
        sys.stdout.write(f"{title}: {size} bytes\n")


def main(url: str, folder: Path) -> None:
    token = os.environ["SIGHTLOOP_TOKEN"]
    api = Api(url, token)
    listed = api("GET", "/deployer/v1/deployments")["items"][0]["id"]
    deployment = api("GET", f"/deployer/v1/deployments/{listed}")
    start = "2020-01-01T00:00:00Z"
    if deployment["shadow"] is None:
        some = newest(api, listed, SHADOWED)
        shadowed(api, deployment, some)
        reviewed(api, deployment, some[:REVIEWED])
    counted(api, listed, start)
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        context = browser.new_context(
            viewport={"width": 1440, "height": 1000}, color_scheme="light", timezone_id="UTC"
        )
        page = context.new_page()
        page.goto(url)
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Deployments").wait_for()
        me = api("GET", "/gateway/v1/me")["organization"]["name"]
        page.goto(f"{url}/o/{me}/deployments/{listed}/dashboard?range=90d")
        page.locator("[data-panel]").first.wait_for()
        page.wait_for_timeout(5000)
        shoot(page, folder)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
