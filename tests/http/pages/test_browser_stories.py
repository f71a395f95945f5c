"""What people come for, in a real browser: by keyboard alone, at 200 % zoom, and with reduced motion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .browsing import PATIENCE, Visit
from .served import Served

pytestmark = pytest.mark.xdist_group("browser")

ZOOMED: dict[str, Any] = {"viewport": {"width": 640, "height": 400}, "reduced_motion": "reduce"}
"""What 200 % zoom leaves of a window of 1280 x 800."""

LEAH = "לאה כהן"
PEOPLE = (
    {"email": "anna.keller@story.example", "firstname": "Anna", "lastname": "Keller", "plan": "free"},
    {"email": "omar@story.example", "firstname": "Omar", "lastname": "Haddad", "plan": "pro"},
    {"email": "leah@story.example", "name": LEAH, "plan": "free"},
    {"email": "tom@story.example", "firstname": "Tom", "lastname": "Weber", "plan": "free"},
)
EVENTS = (
    *({"event": "subscribed", "email": each["email"], "wording": "Yes"} for each in PEOPLE),
    *({"event": "tag_added", "email": f"{who}@story.example", "tag_id": "vip"} for who in ("anna.keller", "tom")),
    *({"event": "email_sent", "email": f"{who}@story.example", "broadcast_id": 8} for who in ("anna.keller", "tom")),
    {"event": "email_opened", "email": "tom@story.example", "broadcast_id": 8},
    {"event": "purchase", "email": "anna.keller@story.example", "revenue": "150.00", "order_id": "1"},
)
SHOPIFY = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,Phone,"
    "Total Spent,Tax Exempt,Tags\n"
    "7001,Ida,Berg,ida@shop.example,yes,Bergen,,120.00,no,wholesale\n"
    "7002,Jon,Dahl,jon@shop.example,no,Oslo,,0.00,no,\n"
    "7003,Nobody,Here,not an address,no,Oslo,,0.00,no,\n"
)


class Keyboard:
    """A window that is used by its keyboard alone."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.page = visit.page

    def to(self, wanted: Any) -> None:
        """Press Tab until an element has the focus; it must be in the window then."""
        wanted.wait_for()
        for _ in range(200):
            if wanted.evaluate("each => each === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        else:
            pytest.fail(f"Tab does not reach {wanted}")
        box = wanted.bounding_box()
        assert box["y"] + box["height"] > 0, "the focus is out of sight"
        assert box["y"] < self.page.viewport_size["height"], "the focus is out of sight"

    def press(self, role: str, name: str, *, exact: bool = True, key: str = "Enter") -> None:
        self.to(self.page.get_by_role(role, name=name, exact=exact).first)
        self.page.keyboard.press(key)

    def fill(self, label: str, text: str, *, at: int = 0, then: str = "Tab") -> None:
        self.to(self.page.get_by_label(label, exact=True).nth(at))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        self.page.keyboard.press(then)

    def choose(self, label: str, words: str, *, at: int = 0) -> None:
        """Choose an option of a list by typing its beginning."""
        self.to(self.page.get_by_label(label, exact=True).nth(at))
        self.page.keyboard.type(words)

    def ask(self, text: str) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def heading(self, text: str) -> None:
        self.page.get_by_role("heading", level=1, name=text).wait_for()


@pytest.fixture(scope="module")
def states(served: Served) -> dict[str, Any]:
    """The cookies of a writer and of a reader, on a site with a few customers."""
    for name, bodies in (("customers", PEOPLE), ("event", EVENTS)):
        for body in bodies:
            api(served, "POST", f"/api/v1/{name}", json=body)
    return {role: served.state(role, role) for role in ("write", "read")}


@pytest.fixture
def keyboard(browser: Any, served: Served, states: dict[str, Any]) -> Iterator[Keyboard]:
    """The writer's window."""
    visit = Visit(browser, served.url, storage_state=states["write"], **ZOOMED)
    yield Keyboard(visit)
    assert visit.faults == []
    visit.close()


def api(served: Served, method: str, path: str, **call: Any) -> Any:
    """Call the API with the key of the stories' site."""
    return served.api(method, path, secret=served.stories_secret, **call)


def customer(served: Served, email: str) -> str:
    return str(api(served, "GET", f"/v1/customers?filter[email_contains]={email}")["data"][0]["id"])


def test_from_the_first_start_to_the_first_answer(browser: Any, served: Served, states: dict[str, Any]) -> None:
    visit = Visit(browser, served.url, **ZOOMED)
    keys = Keyboard(visit)
    page = visit.go(served.link_to("Administrator", None))
    visit.check()
    for label, text in (("Your name", "Eva Stein"), ("Email address", "eva@story.example")):
        keys.fill(label, text)
    keys.to(page.get_by_label("Password", exact=False).first)
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview")
    keys.press("link", "Skip to the content")
    assert page.evaluate("document.activeElement.id") == "content"
    visit.go("/admin/sites/stories/customers")
    keys.ask("tag:vip")
    page.locator("#answer-said", has_text="2 customers").wait_for(state="attached")
    rows = page.locator("#results tbody th a")
    keys.to(rows.first)
    page.keyboard.press("ArrowDown")
    assert rows.nth(1).evaluate("each => each === document.activeElement")
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "q"
    visit.keep()
    keys.press("link", "Anna Keller")
    keys.heading("Anna Keller")
    visit.check()
    visit.close()


@pytest.mark.slow
def test_a_shopify_file_is_checked_mended_and_imported(keyboard: Keyboard, tmp_path: Path) -> None:
    page, file = keyboard.page, tmp_path / "customers_export.csv"
    file.write_text(SHOPIFY, encoding="utf-8")
    keyboard.visit.go("/admin/sites/stories/imports")
    keyboard.to(page.get_by_label("File", exact=True))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(file)
    keyboard.press("button", "Send and check")
    page.get_by_text("Nothing is stored yet.").wait_for()
    page.get_by_text("Shopify", exact=False).first.wait_for()
    keyboard.visit.check()
    keyboard.choose("What Tax Exempt fills", "Nothing")
    keyboard.press("button", "Check again")
    page.get_by_role("button", name="Import 3 lines").wait_for()
    assert page.get_by_label("What Tax Exempt fills").input_value() == "ignore"
    keyboard.press("button", "Import 3 lines")
    page.get_by_role("link", name="Download them with the reasons").wait_for()
    page.get_by_text("Undo this import").wait_for()
    keyboard.visit.check()
    keyboard.visit.go("/admin/sites/stories/customers")
    keyboard.ask("ida berg")
    keyboard.press("link", "Ida Berg")
    keyboard.heading("Ida Berg")
    keyboard.visit.keep()


@pytest.mark.slow
def test_a_question_is_built_saved_and_exported(keyboard: Keyboard) -> None:
    """VIPs who did not open and spent over 100, or anybody on the plan pro."""
    page = keyboard.page
    keyboard.visit.go("/admin/sites/stories/customers")
    keyboard.to(page.get_by_text("Build the question from parts"))
    page.keyboard.press("Enter")
    keyboard.choose("How they are joined", "Any")
    keyboard.press("button", "Add a condition")
    keyboard.choose("About", "Attribute")
    keyboard.choose("Attribute", "plan")
    keyboard.fill("Value", "pro")
    keyboard.press("button", "Add a group")
    keyboard.choose("How they are joined", "All", at=1)
    keyboard.choose("About", "Has", at=1)
    keyboard.fill("Add a tag", "vip")
    for _ in range(2):
        keyboard.press("button", "Add a condition")
    keyboard.choose("About", "Emails", at=2)
    keyboard.choose("Whether it holds", "not", at=2)
    keyboard.fill("Add a broadcast", "8")
    keyboard.choose("When", "at any", at=1)
    keyboard.choose("About", "Field", at=3)
    keyboard.choose("Field", "net revenue")
    keyboard.fill("Value", "100", at=1)
    from playwright.sync_api import expect  # where there is a browser

    wanted = 'attr.plan = "pro" or (tag:vip and not opened:broadcast/8 and net_revenue > 100.00)'
    expect(page.locator("#q")).to_have_value(wanted, timeout=PATIENCE)
    page.locator("#answer-said", has_text="2 customers").wait_for(state="attached")
    keyboard.visit.check()
    keyboard.to(page.get_by_text("Save as audience"))
    page.keyboard.press("Enter")
    keyboard.fill("Name", "Worth a letter", then="Enter")
    keyboard.heading("Worth a letter")
    keyboard.visit.check()
    keyboard.to(page.get_by_role("link", name="Export as CSV"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    rows = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(rows) == 3
    assert any("anna.keller@story.example" in row for row in rows)
    assert any("omar@story.example" in row for row in rows)


def test_somebody_is_found_in_spite_of_a_typing_error_edited_and_put_back(keyboard: Keyboard) -> None:
    page = keyboard.page
    keyboard.visit.go("/admin/sites/stories/customers")
    keyboard.ask("anna kellre")
    page.get_by_role("link", name="Anna Keller").wait_for()
    keyboard.visit.keep()
    keyboard.press("link", "Anna Keller")
    keyboard.heading("Anna Keller")
    keyboard.press("link", "Edit")
    keyboard.fill("Last name", "Kellermann")
    keyboard.fill("Full name", "Anna Kellermann", then="Enter")
    keyboard.heading("Anna Kellermann")
    keyboard.visit.check()
    keyboard.press("button", "Undo the edit")
    page.get_by_text("The edit is undone.").wait_for()
    keyboard.visit.check()
    keyboard.heading("Anna Keller")


def test_why_somebody_is_in_an_audience(keyboard: Keyboard, served: Served) -> None:
    page = keyboard.page
    attributes = {"name": "VIPs of the story", "kind": "dynamic", "q": "tag:vip and is subscribed"}
    site = {"data": {"type": "sites", "id": "2"}}
    body = {"data": {"type": "audiences", "attributes": attributes, "relationships": {"site": site}}}
    made = api(served, "POST", "/v1/audiences", json=body)
    keyboard.visit.go(f"/admin/sites/stories/customers/{customer(served, 'anna.keller@story.example')}")
    keyboard.press("link", "Why is Anna Keller in VIPs of the story", exact=False)
    page.get_by_text("In, because").wait_for()
    keyboard.visit.check()
    keyboard.visit.go(f"/admin/sites/stories/audiences/{made['data']['id']}?customer=omar@story.example")
    page.get_by_text("tag", exact=False).first.wait_for()
    keyboard.visit.check()


def test_a_count_falls_while_it_is_looked_at(keyboard: Keyboard, served: Served) -> None:
    from playwright.sync_api import expect  # where there is a browser

    page = keyboard.page
    api(
        served, "POST", "/api/v1/customers", json={"email": "angry@story.example", "subscribed": True, "wording": "Yes"}
    )
    keyboard.visit.go("/admin/sites/stories/customers?q=is+subscribed")
    total = page.locator("#answer-total .value")
    before = int(total.inner_text())
    page.evaluate("window.stayed = true")
    complaint = {"event": "email_complained", "email": "angry@story.example"}
    api(served, "POST", "/api/v1/event", json=complaint)
    expect(total).to_have_text(str(before - 1), timeout=PATIENCE)
    expect(page.locator("#live")).to_have_text(f"{before - 1} customers", timeout=PATIENCE)
    assert page.evaluate("window.stayed")
    keyboard.visit.keep()


def test_of_two_users_one_only_reads(browser: Any, served: Served, states: dict[str, Any], keyboard: Keyboard) -> None:
    reader = Visit(browser, served.url, storage_state=states["read"], **ZOOMED)
    path = f"/admin/sites/stories/customers/{customer(served, 'leah@story.example')}"
    page = reader.go(path)
    assert page.get_by_role("link", name="Edit", exact=True).count() == 0
    assert page.get_by_role("button", name="Add").count() == 0
    assert page.get_by_role("link", name="Settings").count() == 0
    refused = page.evaluate(
        f"fetch('{path}/ties', {{method: 'POST', body: new URLSearchParams({{name: 'vip'}})}}).then(e => e.status)"
    )
    assert refused == 403
    reader.faults.clear()  # the refusal is told in the console
    keyboard.visit.go(path)
    assert keyboard.page.locator("h1 bdi").evaluate("each => getComputedStyle(each).direction") == "rtl"
    keyboard.fill("Name or key", "vip", then="Enter")
    keyboard.page.get_by_text("“vip” is added.").wait_for()
    reader.go(path)
    page.get_by_text("vip", exact=True).first.wait_for()
    reader.check()
    reader.close()


def test_no_form_of_another_site_changes_a_customer(keyboard: Keyboard, served: Served) -> None:
    page, number = keyboard.page, customer(served, "tom@story.example")
    action = f"{served.url}/admin/sites/stories/customers/{number}"
    elsewhere = "http://127.0.0.1:1"
    fields = '<input name="kind" value="tags"><input name="name" value="vip"><input name="confirm" value="yes">'
    forms = [
        f'<form method="post" enctype="{encoding}" action="{action}/{name}">{fields}<button>A prize</button></form>'
        for name, encoding in (("ties", "application/x-www-form-urlencoded"), ("delete", "text/plain"))
    ]
    page.route(f"{elsewhere}/*", lambda route: route.fulfill(content_type="text/html", body="".join(forms)))
    before = api(served, "GET", f"/v1/customers/{number}/profile")
    for at in range(len(forms)):
        page.goto(f"{elsewhere}/prize")
        page.get_by_role("button").nth(at).press("Enter")
        page.wait_for_url(f"{served.url}/**")
        assert "another site" in page.inner_text("main")
        keyboard.visit.keep()
    assert api(served, "GET", f"/v1/customers/{number}/profile") == before
    keyboard.visit.faults.clear()  # requests to another site, and refusals: the story itself


def test_nothing_moves_where_motion_is_reduced(keyboard: Keyboard) -> None:
    page = keyboard.visit.go("/admin/sites/stories/customers")
    moving = """[...document.querySelectorAll("*")].filter((each) => {
        const style = getComputedStyle(each);
        return style.transitionDuration !== "0s" || style.animationDuration !== "0s";
    }).map((each) => each.outerHTML.slice(0, 80))"""
    assert page.evaluate(moving) == []
