"""The admin page in a real browser: the way in, every screen in light, dark and without script, and the keyboard."""

from typing import Any

import pytest

from .browsing import PATIENCE, Visit
from .served import Served

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
    "/objects/contact_tags/vip/merge?into=press",
    "/broadcasts",
    "/broadcasts/8",
    "/broadcasts/8/hours",
    *(f"/settings{part}" for part in ("", "/keys", "/users", "/audit", "/erasures")),
    "/account",
    *(f"/customers/{ANNA}{part}" for part in ("", "?show=email", "/edit", "/delete", "/merge")),
]
"""The screens below a site."""

OF_EACH_KIND = [
    "/overview",
    "/customers?q=tagg:vip",
    "/bulk-action?q=tag:vip&type=add_tag&object=vip",
    "/imports",
    "/objects/contact_tags/vip",
    "/broadcasts/8",
    "/settings/keys",
    *(f"/customers/{ANNA}{part}" for part in ("", "/edit")),
]
"""Those that have all kinds of parts between them: charts, tables, forms, the search, a timeline."""

WITH_SCRIPT = ["/customers?q=tag:vip", "/imports"]
"""Those that have scripts of their own: the others are the same documents without script."""

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def session(served: Served) -> dict[str, Any]:
    """The cookies of an administrator. There is a customer whose page has something of everything."""
    anna = {"email": "anna@browser.example", "name": "\u202e<b>Anna</b>", "plan": "pro", "seats": 3, "list": [1]}
    tags = [{"event": "tag_added", "email": anna["email"], "tag_id": tag} for tag in ("vip", "press")]
    sent = {"event": "email_sent", "email": anna["email"], "broadcast_id": 8}
    for path, body in (("customers", anna), *(("event", each) for each in (*tags, sent))):
        served.api("POST", f"/api/v1/{path}", json=body)
    return served.state("administrator", "admin")


@pytest.mark.parametrize(
    "paths",
    [pytest.param(OF_EACH_KIND, id="of each kind"), pytest.param(PATHS, id="all", marks=pytest.mark.slow)],
)
def test_every_screen(browser: Any, served: Served, session: Any, paths: list[str]) -> None:
    visit = Visit(browser, served.url, storage_state=session)
    for path in paths:
        visit.go(f"/admin/sites/main{path}")
        visit.check()
    visit.close()


@pytest.mark.slow
def test_states_of_a_page(browser: Any, served: Served, session: Any) -> None:
    """Errors, a bulk action and a merge of two people that are done, an erasure, and a request for consent."""
    visit = Visit(browser, served.url, storage_state=session)
    home = "/admin/sites/main"
    for name in ("ben", "benno"):
        served.api("POST", "/api/v1/customers", json={"email": f"{name}@browser.example", "name": name})
    found = served.api("GET", "/v1/customers?filter[email_contains]=ben&sort=email")["data"]
    ben, benno = (each["id"] for each in found)
    for path in ("/customers/1", "/nowhere", f"/customers/{benno}/merge?other={benno}"):
        visit.go(home + path)
        assert all("the server responded with a status" in each or each.startswith("4") for each in visit.faults)
        visit.faults.clear()
        visit.check()
    page = visit.go(f"{home}/customers/{ben}")
    page.get_by_text("Ask for consent").click()
    page.get_by_label("What the person agrees to").last.fill("Yes, write to me")
    page.get_by_role("button", name="Make the link").click()
    page.get_by_text("Send this link to ben").wait_for()
    visit.check()
    visit.go(f"{home}/customers/{ben}/merge?other={benno}")
    visit.check()
    page.get_by_role("button", name="Merge").click()
    page.get_by_text("They are one person now.").wait_for()
    visit.check()
    visit.go(f"{home}/bulk-action?q=tag:vip&type=add_tag&object=vip")
    page.get_by_role("button", name="Add a tag").click()
    page.get_by_text("Were so already").wait_for()
    visit.check()
    served.api("POST", f"/v1/customers/{ben}/erase", json={"confirm": "ben@browser.example"})
    page = visit.go(f"{home}/settings/erasures")
    visit.check()
    page.get_by_role("link", name="Certificate").first.click()
    page.get_by_label("Email address or your id").fill("ben@browser.example")
    page.get_by_role("button", name="Check").click()
    page.get_by_text("the erased person was").wait_for()
    visit.check()
    visit.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 1280])
def test_every_screen_in_the_dark_and_by_best_practices(browser: Any, served: Served, session: Any, width: int) -> None:
    window = {"width": width, "height": 800}
    visit = Visit(browser, served.url, storage_state=session, color_scheme="dark", viewport=window)
    for path in PATHS:
        visit.go(f"/admin/sites/main{path}")
        visit.check(thorough=True)
    visit.close()


@pytest.mark.parametrize(
    "paths",
    [pytest.param(WITH_SCRIPT, id="with script"), pytest.param(PATHS, id="all", marks=pytest.mark.slow)],
)
def test_without_script_every_screen_is_there(browser: Any, served: Served, session: Any, paths: list[str]) -> None:
    visit = Visit(browser, served.url, storage_state=session, java_script_enabled=False)
    for path in paths:
        page = visit.go(f"/admin/sites/main{path}")
        assert page.get_by_role("heading", level=1).is_visible()
        assert visit.overhang() <= 0
    assert visit.faults == []
    visit.close()


def test_a_large_number_is_in_one_piece_in_a_narrow_window(browser: Any, served: Served, session: Any) -> None:
    visit = Visit(browser, served.url, storage_state=session, viewport={"width": 320, "height": 800})
    page = visit.go("/admin/sites/main/overview")
    value = page.locator(".figure .value a").first
    value.evaluate("each => each.textContent = '12,345,678'")
    height = value.bounding_box()["height"]
    value.evaluate("each => each.textContent = '1'")
    assert height == value.bounding_box()["height"]
    visit.close()


def test_a_question_is_typed_built_and_saved(browser: Any, served: Served, session: Any) -> None:
    """Completion, the live answer, and the builder in step with the text; then the answer is saved as an audience."""
    visit = Visit(browser, served.url, storage_state=session)
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


def test_a_form_of_another_site_is_refused(browser: Any, served: Served, session: Any) -> None:
    visit = Visit(browser, served.url, storage_state=session)
    elsewhere = "http://127.0.0.1:1"  # the same site as browsers have it, which send cookies there, of another origin
    visit.page.route(
        f"{elsewhere}/attack", lambda route: route.fulfill(content_type="text/html", body=_attack(served.url))
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


def test_the_pages_for_customers(browser: Any, served: Served, session: Any) -> None:
    """Accessible, and everything works without script: asked, confirmed, changed, unsubscribed."""
    anna = f"/v1/customers/{ANNA}"
    asked = served.api("POST", f"{anna}/consents/request", json={"wording": "Yes, write to me"})
    links = served.api("POST", f"{anna}/links", json={})["data"]["attributes"]
    visit = Visit(browser, served.url)
    for url in (asked["data"]["attributes"]["url"], links["preferences_url"], links["unsubscribe_url"]):
        visit.go(url)
        visit.check()
    visit.go(f"{links['preferences_url']}/erase")
    visit.check()
    visit.close()
    plain = Visit(browser, served.url, java_script_enabled=False)
    page = plain.go(asked["data"]["attributes"]["url"])
    page.get_by_role("button").click()
    page = plain.go(links["preferences_url"])
    assert page.get_by_role("checkbox").first.is_checked()
    page.get_by_role("button", name="Unsubscribe from everything").click()
    assert not page.get_by_role("checkbox").first.is_checked()
    plain.close()
