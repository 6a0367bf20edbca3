"""What axe-core finds wrong with a page: rules of WCAG 2.2, levels A and AA."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

_SOURCE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
  const { violations } = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    resultTypes: ["violations"],
  });
  return violations.flatMap((rule) =>
    rule.nodes.map((one) => `${rule.id}: ${one.target.join(" ")}: ${one.failureSummary}`),
  );
}"""


def violations(page: Page) -> list[str]:
    """Rule, place and reason of each. Skips where the web's development packages are not there."""
    if not _SOURCE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in web")
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_SOURCE.read_text())
    found: list[str] = page.evaluate(_RUN)
    return found
