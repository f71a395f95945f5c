"""Errors and work under way in a real browser: accessible, in narrow windows, and told in words."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from .browsing import PATIENCE, Visit
from .served import Served

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.slow]

HOME = "/admin/sites/main"
SCHEMES = ("light", "dark")
LINES = 40_000
"""Lines of an import that is still running when the page has been looked at."""


@pytest.fixture(scope="module")
def states(served: Served) -> dict[str, Any]:
    """The cookies of a user of each role."""
    return {role: served.state(role, role) for role in ("admin", "read")}


def refused(visit: Visit, status: int, words: str) -> None:
    """Assert that the page that is open is an error with this status, and nothing else is wrong with it."""
    assert visit.faults
    assert all(f"status of {status}" in each or each.startswith(f"{status} ") for each in visit.faults)
    visit.faults.clear()
    assert words in visit.page.inner_text("main")
    visit.check(thorough=True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_may_not_see_a_page_is_told_so(browser: Any, served: Served, states: Any, scheme: str) -> None:
    visit = Visit(browser, served.url, storage_state=states["read"], color_scheme=scheme)
    visit.go(f"{HOME}/settings")
    refused(visit, 403, "Your role is “read”")
    visit.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_in_the_way_of_a_deletion_is_told(browser: Any, served: Served, states: Any, scheme: str) -> None:
    needed = audience(served, f"Needed, {scheme}", "is subscribed")
    audience(served, f"Needs it, {scheme}", f"in audience/{needed}")
    visit = Visit(browser, served.url, storage_state=states["admin"], color_scheme=scheme)
    page = visit.go(f"{HOME}/audiences/{needed}")
    page.get_by_text("Change, copy or delete").click()
    page.get_by_role("button", name="Delete “").click()
    page.get_by_text("Nothing was changed.").wait_for()
    refused(visit, 409, f"The audience is used by “Needs it, {scheme}”.")
    visit.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_fault_of_the_server_is_a_page_that_says_what_to_do(
    browser: Any, served: Served, states: Any, scheme: str
) -> None:
    visit = Visit(browser, served.url, storage_state=states["admin"], color_scheme=scheme)
    rename(served, "erasures", "elsewhere")
    try:
        visit.go(f"{HOME}/settings/erasures")
    finally:
        rename(served, "elsewhere", "erasures")
    refused(visit, 500, "the log has the reason under")
    visit.page.get_by_role("link", name="Try again").click()
    visit.page.wait_for_load_state("networkidle")
    visit.check()
    visit.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_import_shows_how_far_it_is(browser: Any, served: Served, states: Any, scheme: str) -> None:
    from playwright.sync_api import expect  # where there is a browser

    table = "Email,Name\n" + "".join(f"{scheme}{n}@states.example,Person {n}\n" for n in range(LINES))
    sent = served.api("POST", "/v1/imports?name=people.csv", content=table, headers=AS_FILE)
    number = sent["data"]["id"]
    visit = Visit(browser, served.url, storage_state=states["admin"], color_scheme=scheme)
    page = visit.go_while_it_changes(f"{HOME}/imports/{number}")
    progress = page.locator("progress[value]:not([value='0'])")
    progress.wait_for()
    expect(progress).not_to_have_attribute("value", progress.get_attribute("value"), timeout=PATIENCE)
    page.evaluate("document.querySelector('#import').removeAttribute('hx-get')")  # stands still while it is judged
    visit.check(thorough=True)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("The import was stopped").wait_for()
    visit.check(thorough=True)
    visit.close()


AS_FILE = {"Content-Type": "application/octet-stream"}
SITE = {"type": "sites", "id": "1"}


def audience(served: Served, name: str, text: str) -> str:
    """The number of a new audience."""
    attributes = {"name": name, "kind": "dynamic", "q": text}
    body = {"type": "audiences", "attributes": attributes, "relationships": {"site": {"data": SITE}}}
    made = served.api("POST", "/v1/audiences", json={"data": body})
    return str(made["data"]["id"])


def rename(served: Served, table: str, name: str) -> None:
    """Rename a table below the server, so that it cannot read it."""
    with closing(sqlite3.connect(served.path, timeout=60)) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {name}")
