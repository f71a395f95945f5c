"""The picture of the admin page in the README, made in Chromium from a new demo: `make picture`."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright
from tests.http.pages.browsing import CHROMIUM

PICTURE: Final = Path(__file__).parents[1] / "docs" / "pictures" / "customers.png"
QUESTION: Final = "tag:vip and not opened:broadcast/8 and (revenue > 50 or is healthy)"
_LINK: Final = re.compile(r"http://\S+/admin/link/\S+")


@contextmanager
def demo() -> Iterator[str]:
    """A demo in a folder of its own; the link that signs in."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-u", "-m", "regulars", "demo", "--port", "0"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this program
            assert process.stdout is not None
            try:
                yield next(found[0] for line in process.stdout if (found := _LINK.search(line)))
            finally:
                process.send_signal(signal.SIGINT)


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
    with demo() as link:
        take(link)
    sys.stdout.write(f"{PICTURE}\n")
