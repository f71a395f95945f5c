"""The admin page in a real browser: the way in, every screen in light, dark and without script, and the keyboard."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.domain.moments import now_ms
from regulars.store import users
from regulars.store.control import find_account
from regulars.store.store import Store

from ...coroutines import run
from ...running_server import Server, database_url, make_database
from .browsing import PATIENCE, Visit, chromium

ANNA = 4294967297
"""The customer who is there: the first of the first site."""

PATHS = [
    "/overview",
    "/customers",
    "/customers?q=tagg:vip",
    "/bulk-action?q=tag:vip&type=add_tag&object=vip",
    "/bulk-actions",
    "/duplicates",
    "/questions/catalogue",
    "/audiences",
    "/imports",
    "/exports",
    "/objects",
    "/objects/contact_tags",
    "/objects/contact_tags/vip",
    "/broadcasts",
    "/broadcasts/8",
    *(f"/settings{part}" for part in ("", "/keys", "/users", "/audit")),
    "/account",
    *(f"/customers/{ANNA}{part}" for part in ("", "?show=email", "/edit", "/delete", "/merge")),
]
"""The screens below a site."""

pytestmark = pytest.mark.xdist_group("browser")
_secrets: list[str] = []


async def link_to(path: Path, name: str, address: str | None, role: str = "admin") -> str:
    """The path of a one-time link for a new user."""
    store = await Store.open(database_url(path))
    async with store.snapshot() as connection:
        account = await find_account(connection, None)
    user = await users.create_user(store.engine, account, name=name, address=address, role=role, now=now_ms())
    secret = await users.create_link(store.engine, user.id, now=now_ms())
    await store.close()
    return f"/admin/link/{secret}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A server in a process of its own: the path of its database, and its URL."""
    path = tmp_path_factory.mktemp("browser") / "regulars.db"
    secret = make_database(path)
    with Server(path, workers=1) as server:
        anna = {"email": "anna@browser.example", "name": "‮<b>Anna</b>", "plan": "pro", "seats": 3, "list": [1]}
        tagged = {"event": "tag_added", "email": anna["email"], "tag_id": "vip"}
        sent = {"event": "email_sent", "email": anna["email"], "broadcast_id": 8}
        for path_, body in (("customers", anna), ("event", tagged), ("event", sent)):
            url = f"http://127.0.0.1:{server.port}/api/v1/{path_}"
            httpx.post(url, json=body, auth=(secret, "")).raise_for_status()
        _secrets.append(secret)
        yield path, f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def secret(home: tuple[Path, str]) -> str:
    """The key of the server's database."""
    return _secrets[-1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def session(browser: Any, home: tuple[Path, str]) -> Any:
    """The cookies of somebody who has signed in with a one-time link, by keyboard alone."""
    path, url = home
    visit = Visit(browser, url)
    page = visit.go(run(link_to(path, "Administrator", None)))
    visit.check()
    for text in ("Anna <b>Keller</b>", f"anna.{time.time_ns()}@example.com", "correct horse battery"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview")
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    visit.check()
    state = visit.context.storage_state()
    visit.close()
    return state


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="light"),
        pytest.param({"color_scheme": "dark"}, id="dark", marks=pytest.mark.slow),
        pytest.param({"java_script_enabled": False}, id="no script"),
    ],
)
def test_every_screen(browser: Any, home: tuple[Path, str], session: Any, context: dict[str, Any]) -> None:
    visit = Visit(browser, home[1], storage_state=session, **context)
    for path in PATHS:
        visit.go(f"/admin/sites/main{path}")
        if context.get("java_script_enabled", True):
            visit.check(contrast_only="color_scheme" in context)
    assert visit.faults == []
    visit.close()


def test_a_question_is_typed_built_and_saved(browser: Any, home: tuple[Path, str], session: Any) -> None:
    """Completion, the live answer, and the builder in step with the text; then the answer is saved as an audience."""
    visit = Visit(browser, home[1], storage_state=session)
    from playwright.sync_api import expect  # where there is a browser

    page = visit.go("/admin/sites/main/customers")
    page.keyboard.press("/")
    page.keyboard.type("is subs")
    page.get_by_role("option", name="subscribed").first.wait_for()
    visit.check()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=is+subscribed**")
    page.get_by_text("Build the question from parts").click()
    page.get_by_role("button", name="Add a condition").first.click()
    expect(page.locator("#q")).to_have_value("is subscribed and is subscribed", timeout=PATIENCE)
    page.get_by_label("State").nth(1).select_option("healthy")
    expect(page.locator("#q")).to_have_value("is subscribed and is healthy", timeout=PATIENCE)
    page.get_by_label("How they are joined").select_option("any")
    expect(page.locator("#q")).to_have_value("is subscribed or is healthy", timeout=PATIENCE)
    page.wait_for_url("**q=is+subscribed+or+is+healthy**")
    visit.check()
    page.locator("#q").fill("not is hidden")
    expect(page.locator(".builder .leaf")).to_have_count(1, timeout=PATIENCE)
    assert page.get_by_label("Whether it holds").input_value() == "not"
    page.locator("#q").fill("tagg:vip")
    page.get_by_role("link", name="Use “tag”").wait_for()
    visit.go("/admin/sites/main/customers?q=is%20subscribed")
    page.get_by_text("Save as audience").click()
    page.get_by_label("Name", exact=True).fill("Subscribed <b>")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/audiences/*")
    assert page.get_by_role("heading", level=1).inner_text() == "Subscribed <b>"
    visit.check()
    visit.close()


def test_a_form_of_another_site_is_refused(browser: Any, home: tuple[Path, str], session: Any) -> None:
    visit = Visit(browser, home[1], storage_state=session)
    elsewhere = "http://127.0.0.1:1"  # the same site as browsers have it, which send cookies there, of another origin
    visit.page.route(
        f"{elsewhere}/attack", lambda route: route.fulfill(content_type="text/html", body=_attack(home[1]))
    )
    visit.page.goto(f"{elsewhere}/attack")
    visit.page.get_by_role("button").click()
    visit.page.wait_for_load_state()
    assert "another site" in visit.page.inner_text("main")
    visit.go("/admin/sites/main/overview")
    assert visit.page.url.endswith("/overview")
    visit.close()


def _attack(home: str) -> str:
    return f'<form method="post" action="{home}/admin/logout/everywhere"><button>A prize</button></form>'


def test_the_pages_for_customers(browser: Any, home: tuple[Path, str], secret: str) -> None:
    """Accessible, and everything works without script: asked, confirmed, changed, unsubscribed."""
    call: Any = {"headers": {"Authorization": f"Bearer {secret}"}, "timeout": 60}
    api = f"{home[1]}/v1/customers/{ANNA}"
    asked = httpx.post(f"{api}/consents/request", json={"wording": "Yes, write to me"}, **call).json()
    links = httpx.post(f"{api}/links", json={}, **call).json()["data"]["attributes"]
    visit = Visit(browser, home[1])
    for url in (asked["data"]["attributes"]["url"], links["preferences_url"], links["unsubscribe_url"]):
        visit.go(url)
        visit.check()
    visit.go(f"{links['preferences_url']}/erase")
    visit.check()
    visit.close()
    plain = Visit(browser, home[1], java_script_enabled=False)
    page = plain.go(asked["data"]["attributes"]["url"])
    page.get_by_role("button").click()
    page = plain.go(links["preferences_url"])
    assert page.get_by_role("checkbox").first.is_checked()
    page.get_by_role("button", name="Unsubscribe from everything").click()
    assert not page.get_by_role("checkbox").first.is_checked()
    plain.close()
