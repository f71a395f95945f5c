"""A real browser: Debian's Chromium driven by Playwright, and what a page must never do in it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST: dict[str, Any] = {"runOnly": ["color-contrast"]}
PATIENCE = 60_000
"""Milliseconds that a page may take on a busy machine."""

WIDTHS = (320, 768)
"""Narrow windows, in which everything has to fit."""

PICTURES = os.environ.get("REGULARS_TEST_PICTURES")
"""A folder for pictures of what is checked, in three widths, light and dark. Without it none are taken."""

PICTURED = (*WIDTHS, 1280)

AXE = """async (rules) => {
  const options = { ...rules, resultTypes: ["violations"], reporter: "no-passes", preload: false };
  const { violations } = await axe.run(WHERE, options);
  const html = (violation) => violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 200));
  return violations.map((each) => [each.id, each.help, html(each)]);
}"""
"""Run axe, and return only what is needed of each violation."""

NEW_COLOURS = """(known) => {
  const grounds = new Map();
  const ground = (element) => {  // all that decides on what colour an element's text stands
    if (element === null) return "";
    if (!grounds.has(element)) {
      const style = getComputedStyle(element);
      const own = style.backgroundColor === "rgba(0, 0, 0, 0)" ? "" : style.backgroundColor;
      const image = style.backgroundImage === "none" ? "" : style.backgroundImage;
      const opacity = style.opacity === "1" ? "" : style.opacity;
      grounds.set(element, [ground(element.parentElement), own, image, opacity].filter(Boolean).join(" "));
    }
    return grounds.get(element);
  };
  const seen = new Set(known), fresh = [];
  for (const element of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const placed = style.position === "static" || style.position === "relative" ? "" : style.position;
    const state = [element.disabled, element.getAttribute("aria-disabled"), element.placeholder !== undefined];
    const text = [style.color, style.fontSize, style.fontWeight, style.textShadow, placed, ...state];
    const key = [...text, ground(element)].join();
    if (seen.has(key) || !element.checkVisibility()) continue;
    const written = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!written && !("value" in element)) continue;
    seen.add(key);
    fresh.push(key);
    element.dataset.fresh = "";
  }
  return fresh;
}"""
"""Mark one element of each kind of text that is not known: its colour and size, and all that lies below it."""

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

    _checked: ClassVar[dict[str, set[str]]] = {}

    def __init__(self, browser: Any, home: str, **context: Any) -> None:
        self.home = home
        self.faults: list[str] = []
        self._kept = 0
        self._scheme = context.get("color_scheme", "light")
        self._motion = context.get("reduced_motion", "no-preference")
        self._colours = self._checked.setdefault(context.get("color_scheme", "light"), set())
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

    def go_while_it_changes(self, path: str) -> Any:
        """Open a page that asks for news all the time, so that it is never at rest."""
        self.page.goto(path)
        return self.page

    def check(self, *, thorough: bool = False) -> None:
        """Assert that the page that is open is accessible, fits a narrow window, and has done nothing wrong.

        thorough: judge it by axe's best practices, too, and not only by the rules of WCAG 2.2 AA. The contrast of a
        kind of text is computed once in all visits: it takes longer than all other rules together.
        """
        from axe_playwright_python.base import AXE_SCRIPT

        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        rules = {"runOnly": [*WCAG, "best-practice"] if thorough else WCAG}
        self._axe("document", {**rules, "rules": {"color-contrast": {"enabled": False}}})
        if fresh := self.page.evaluate(NEW_COLOURS, sorted(self._colours)):
            self._colours.update(fresh)
            self._axe("{ include: [['[data-fresh]']] }", CONTRAST)
            self.page.evaluate("document.querySelectorAll('[data-fresh]').forEach((each) => delete each.dataset.fresh)")
        size = self.page.viewport_size
        for width in (*WIDTHS, size["width"]):
            self.page.set_viewport_size({"width": width, "height": 800 if width in WIDTHS else size["height"]})
            self._fits(width)
        self.keep()
        assert not self.faults, "\n".join(self.faults)

    def keep(self) -> None:
        """Keep pictures of the page that is open, if they are wanted: named after the test, and counted."""
        if PICTURES is None:
            return
        test = re.sub(r"\W+", "-", os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].rpartition(" ")[0]).strip("-")
        self._kept += 1
        size = self.page.viewport_size
        for width in PICTURED:
            self.page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # else colours fade in
                name = f"{test}-{self._kept}-{width}-{scheme}.png"
                self.page.screenshot(path=Path(PICTURES) / name, full_page=True)
        self.page.emulate_media(color_scheme=self._scheme, reduced_motion=self._motion)
        self.page.set_viewport_size(size)

    def _axe(self, where: str, rules: dict[str, Any]) -> None:
        for name, words, nodes in self.page.evaluate(AXE.replace("WHERE", where), rules):
            self.faults.append(f"{self.page.url}: {name}: {words}: {'; '.join(nodes)}")

    def _fits(self, width: int) -> None:
        if (over := self.overhang()) > 0:
            self.faults.append(f"{self.page.url} scrolls sideways by {over} px at {width} px")
        self.faults += [f"{self.page.url}: sticks out at {width} px: {each}" for each in self.page.evaluate(CUT)]

    def overhang(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

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
