"""A real browser: Debian's Chromium driven by Playwright, and what a page must never do in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = 320


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
        self.context.set_default_timeout(60_000)  # a busy machine takes its time
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
        self.page.set_viewport_size({"width": NARROW, "height": 800})
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.page.set_viewport_size(size)
        if over > 0:
            self.faults.append(f"{self.page.url} scrolls sideways by {over} px at {NARROW} px")
        assert not self.faults, "\n".join(self.faults)

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
