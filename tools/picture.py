"""The picture of the admin page in the README, made in Chromium from the demo.

regulars demo                        # prints a link that signs in
python -m tools.picture LINK
"""

import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright
from tests.http.pages.browsing import CHROMIUM

PICTURE: Final = Path(__file__).parents[1] / "docs" / "pictures" / "customers.png"
QUESTION: Final = "tag:vip and not opened:broadcast/8 and (revenue > 50 or is healthy)"


def take(link: str) -> None:
    """Sign in with a one-time link, ask the question, open the builder, and save the picture."""
    home = urlsplit(link)._replace(path="").geturl()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/overview")
        page.goto(f"{home}/admin/sites/main/customers")
        page.locator("#q").fill(QUESTION)
        page.get_by_text("Build the question from parts").click()
        page.locator(".builder [data-count]:not(:empty)").first.wait_for()
        page.locator("h1").click()
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1])
