"""A real browser: Debian's Chromium driven by Playwright, and what a page must never do in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 60_000
"""Milliseconds that a page may take on a busy machine."""

WIDTHS = (320, 768)
"""Narrow windows, in which everything has to fit."""

CUT = """[...document.querySelectorAll("main .card, main .figure, main .notice, .side")].flatMap((box) => {
  const edge = box.getBoundingClientRect().right + 1;
  return [...box.querySelectorAll("*")].filter((each) => {
    const seen = each.getBoundingClientRect();
    if (!each.checkVisibility() || each.closest(".scroller, .hidden, .options, pre, svg")) return false;
    return seen.width > 1 && seen.right > edge;
  }).map((each) => each.outerHTML.slice(0, 120));
}).slice(0, 3)"""
"""Elements that stick out of the box that they are in, unless that box scrolls."""


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; skips the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


class Visit:
    """A window of the browser on a server. Everything that a page must never do is noted in `faults`."""

    def __init__(self, browser: Any, home: str, **context: Any) -> None:
        self.home = home
        self.faults: list[str] = []
        self.context = browser.new_context(base_url=home, **context)
        self.context.set_default_timeout(PATIENCE)  # a busy machine takes its time
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("response", self._response)
        self.page.on("request", self._request)

    def go(self, path: str) -> Any:
        """Open a page, and wait until it is at rest."""
        self.page.goto(path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def check(self, *, contrast_only: bool = False) -> None:
        """Assert that the page that is open is accessible, fits a narrow window, and has done nothing wrong."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options={"runOnly": ["color-contrast"] if contrast_only else RULES})
        for each in found.response["violations"]:
            nodes = "; ".join(node["html"][:200] for node in each["nodes"][:3])
            self.faults.append(f"{self.page.url}: {each['id']}: {each['help']}: {nodes}")
        size = self.page.viewport_size
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            self._fits(width)
        self.page.set_viewport_size(size)
        self._fits(size["width"])
        assert not self.faults, "\n".join(self.faults)

    def _fits(self, width: int) -> None:
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            self.faults.append(f"{self.page.url} scrolls sideways by {over} px at {width} px")
        self.faults += [f"{self.page.url}: sticks out at {width} px: {each}" for each in self.page.evaluate(CUT)]

    def close(self) -> None:
        self.context.close()

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):  # a violation of the policy is an error
            self.faults.append(f"console: {message.text}")

    def _response(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.faults.append(f"asks another host: {request.url}")
