"""A person's page: what it shows, editing, ties, lists, consent and deleting; each through the API."""

import html
import json
import re
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given, settings

from regulars.http.pages.customer import TIMELINE

from ...effort import examples
from ...in_process import Client, InProcess
from .test_screens import HOSTILE, assert_well_formed
from .visiting import Browser, signed_in

HOME = "/admin/sites/main/customers"
CLIENTS: WeakKeyDictionary[InProcess, Client] = WeakKeyDictionary()


@pytest.fixture(scope="module")
def browser(app: InProcess) -> Browser:
    return signed_in(app, "write")


def api(app: InProcess, method: str, path: str, body: Any = None) -> Any:
    """What the API answers to a key."""
    reply = CLIENTS.setdefault(app, app.client()).send(method, path, **({} if body is None else {"json": body}))
    assert reply.status_code < 300, reply.text
    return reply.json()


@pytest.fixture
def anna(app: InProcess) -> str:
    """The id of a customer."""
    return new_customer(app, email="anna@person.example", firstname="Anna", city="Berlin", plan="pro", seats=3)


def new_customer(app: InProcess, **profile: Any) -> str:
    api(app, "POST", "/api/v1/customers", profile)
    found = api(app, "GET", f"/v1/customers?filter[email_contains]={profile['email']}")
    return str(found["data"][0]["id"])


def form_of(text: str) -> dict[str, Any]:
    """What a browser would send of the form that edits a person."""
    fields: dict[str, Any] = {"attribute": []}
    for tag in re.findall(r"<input [^>]*>", text):
        named = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if named.get("type") == "checkbox" or "name" not in named:
            continue
        value = html.unescape(named.get("value", ""))
        if named["name"] == "attribute":
            fields["attribute"].append(value)
        else:
            fields[named["name"]] = value
    for name, options in re.findall(r'<select [^>]*name="([^"]*)">(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else "text"
    return fields


def test_the_page_shows_the_person_and_is_well_formed(browser: Browser, anna: str) -> None:
    reply = browser.get(f"{HOME}/{anna}")
    assert reply.status_code == 200, reply.text
    assert_well_formed(reply.text)
    assert "<h1><bdi>Anna" in reply.text
    shown = browser.get(f"{HOME}/{anna}.json").json()
    assert (shown["profile"]["email"], shown["consent"]["state"]) == ("anna@person.example", "never")
    assert shown["timeline"]["entries"][0]["kind"] == "profile"
    for kind in ("event", "email", "consent", "profile"):
        assert_well_formed(browser.get(f"{HOME}/{anna}?show={kind}").text)
    assert browser.get(f"{HOME}/{anna}/export").json()["customer"]["email"] == "anna@person.example"
    assert browser.get(f"{HOME}/999999999999").status_code == 404


def test_the_timeline_is_filtered_and_paged(app: InProcess, browser: Browser) -> None:
    number = new_customer(app, email="busy@person.example")
    for n in range(TIMELINE + 5):
        api(app, "POST", "/api/v1/event", {"event": "visit", "email": "busy@person.example", "page": n})
    path = f"{HOME}/{number}"
    first = browser.get(f"{path}.json?show=event").json()["timeline"]
    assert "Older" in browser.get(f"{path}?show=event").text
    second = browser.get(f"{path}.json?show=event&after={quote(first['after'])}").json()["timeline"]
    assert (len(first["entries"]), len(second["entries"]), second["after"]) == (TIMELINE, 5, None)
    pages = [each["details"]["page"] for each in (*first["entries"], *second["entries"])]
    assert sorted(pages) == list(range(TIMELINE + 5))
    older = browser.get(f"{path}?show=event&after={quote(first['after'])}").text
    assert_well_formed(older)
    assert "Nothing older." in older
    (created,) = browser.get(f"{path}.json?show=profile").json()["timeline"]["entries"]
    assert created["name"] == "created"


def test_what_was_edited_is_saved_and_nothing_else(app: InProcess, browser: Browser, anna: str) -> None:
    page = browser.get(f"{HOME}/{anna}/edit")
    assert_well_formed(page.text)
    form = form_of(page.text)
    place = form["attribute"].index("seats")
    assert form[f"attribute-{place}-type"] == "number"
    edited = {**form, "lastname": "Keller", "address_city": "Bonn", f"attribute-{place}": "4"}
    done = browser.post(f"{HOME}/{anna}/edit", {**edited, "new-name": "vip", "new-value": "true", "new-type": "flag"})
    assert done.status_code == 303, done.text
    found = api(app, "GET", f"/v1/customers/{anna}/profile")["data"]["attributes"]
    assert (found["firstname"], found["lastname"], found["address_city"]) == ("Anna", "Keller", "Bonn")
    assert found["custom_attributes"] == {"plan": "pro", "seats": 4, "city": "Bonn", "vip": True}
    entry = api(app, "GET", f"/v1/customers/{anna}/activity?filter[kind]=profile")["data"][0]["attributes"]
    assert (entry["channel"], entry["actor"]["type"]) == ("admin_page", "user")


def test_what_cannot_be_read_is_told_beside_its_field(app: InProcess, browser: Browser, anna: str) -> None:
    form = form_of(browser.get(f"{HOME}/{anna}/edit").text)
    place = form["attribute"].index("seats")
    reply = browser.post(f"{HOME}/{anna}/edit", {**form, f"attribute-{place}": "four", "lastname": "Kept"})
    assert (reply.status_code, "Type a number" in reply.text, 'value="Kept"' in reply.text) == (422, True, True)
    assert_well_formed(reply.text)
    reply = browser.post(f"{HOME}/{anna}/edit", {**form, "email": "no address"})
    assert (reply.status_code, 'id="error-email">' in reply.text) == (422, True)
    assert browser.post(f"{HOME}/{anna}/edit", {"before": "[1]"}).status_code == 400
    assert api(app, "GET", f"/v1/customers/{anna}/profile")["data"]["attributes"].get("lastname") != "Kept"


def test_what_somebody_else_changed_is_told_and_not_overwritten(app: InProcess, browser: Browser) -> None:
    ada = new_customer(app, email="ada@person.example", firstname="Ada", plan="free")
    form = form_of(browser.get(f"{HOME}/{ada}/edit").text)
    api(app, "POST", "/api/v1/customers", {"email": "ada@person.example", "firstname": "Augusta"})
    mine = {**form, "firstname": "Adele"}
    told = browser.post(f"{HOME}/{ada}/edit", mine)
    assert told.status_code == 409
    assert_well_formed(told.text)
    assert "Augusta" in told.text
    seen = form_of(told.text)
    assert (seen["firstname"], json.loads(seen["before"])["firstname"]) == ("Adele", "Augusta")
    assert browser.post(f"{HOME}/{ada}/edit", seen).status_code == 303
    other = {**form, "lastname": "King", "firstname": "Ada"}  # what was not edited here stays as others have it
    assert browser.post(f"{HOME}/{ada}/edit", other).status_code == 303
    found = api(app, "GET", f"/v1/customers/{ada}/profile")["data"]["attributes"]
    assert (found["firstname"], found["lastname"]) == ("Adele", "King")


def test_ties_lists_and_consent(app: InProcess, browser: Browser, anna: str) -> None:
    api(app, "POST", "/v1/contact_tags", {"data": {"type": "contact_tags", "attributes": {"name": "Very important"}}})
    assert browser.post(f"{HOME}/{anna}/ties", {"kind": "tags", "name": "very important"}).status_code == 303
    held = browser.get(f"{HOME}/{anna}.json").json()["ties"][0]["held"]
    assert [each["name"] for each in held] == ["Very important"]
    missing = browser.post(f"{HOME}/{anna}/ties", {"kind": "tags", "name": "<b>none</b>"})
    assert (missing.status_code, "<b>none</b>" in missing.text) == (422, False)
    assert_well_formed(missing.text)
    assert browser.post(f"{HOME}/{anna}/ties", {"kind": "tags", "remove": held[0]["id"]}).status_code == 303
    assert browser.get(f"{HOME}/{anna}.json").json()["ties"][0]["held"] == []
    made = {"data": {"type": "audiences", "attributes": {"name": "Guests", "kind": "list"}}}
    guests = api(app, "POST", "/v1/audiences", made)["data"]["id"]
    assert browser.post(f"{HOME}/{anna}/lists", {"list": guests, "join": "1"}).status_code == 303
    page = browser.get(f"{HOME}/{anna}?why={guests}")
    assert_well_formed(page.text)
    assert (page.text.count("Leave<span"), "In, because" in page.text) == (1, True)
    assert browser.post(f"{HOME}/{anna}/lists", {"list": guests, "leave": "1"}).status_code == 303
    assert browser.get(f"{HOME}/{anna}.json").json()["audiences"] == []
    assert browser.post(f"{HOME}/{anna}/consent", {"granted": "yes"}).status_code == 422
    assert browser.post(f"{HOME}/{anna}/consent", {"granted": "yes", "wording": "Yes, please"}).status_code == 303
    shown = browser.get(f"{HOME}/{anna}.json").json()
    assert (shown["consent"]["state"], shown["consents"][0]["wording"]) == ("given", "Yes, please")


def test_consent_is_asked_for_with_a_link_to_send(app: InProcess, browser: Browser) -> None:
    anna = new_customer(app, email="asked@person.example")
    made = {"data": {"type": "newsletters", "attributes": {"name": "Weekly <b>"}}}
    weekly = api(app, "POST", "/v1/newsletters", made)["data"]["id"]
    for form in ({}, {"asked_wording": "Yes", "newsletter": "9999"}, {"asked_wording": "Yes", "newsletter": "<b>"}):
        wrong = browser.post(f"{HOME}/{anna}/consent/request", form)
        assert (wrong.status_code, "Nothing was changed." in wrong.text) == (422, True), form
        assert_well_formed(wrong.text)
    asked = browser.post(f"{HOME}/{anna}/consent/request", {"asked_wording": "Yes <b>", "newsletter": weekly})
    assert_well_formed(asked.text)
    link = re.search("https://[^<]*/confirm/[^<]*", asked.text)
    assert link
    assert browser.post(f"{HOME}/{anna}/consent/request", {"asked_wording": "Yes"}).status_code == 200
    assert "not confirmed yet" in browser.get(f"{HOME}/{anna}").text
    assert "/confirm/" not in browser.get(f"{HOME}/{anna}").text
    confirmed = app.client().send("POST", link[0].partition("://regulars.example")[2])
    assert confirmed.status_code < 400, confirmed.text
    rows = browser.get(f"{HOME}/{anna}.json").json()["consents"]
    assert [(each["about"], each["wording"]) for each in rows if each["granted"]] == [("Weekly <b>", "Yes <b>")]
    assert browser.post(f"{HOME}/999999/consent/request", {"asked_wording": "Yes"}).status_code == 404


def test_deleting_says_what_it_does_and_does_it(app: InProcess, browser: Browser) -> None:
    gone = new_customer(app, email="gone@person.example")
    assert "cannot be undone" in browser.get(f"{HOME}/{gone}/delete").text
    assert browser.post(f"{HOME}/{gone}/delete").status_code == 303
    assert browser.get(f"{HOME}/{gone}").status_code == 404
    assert browser.post(f"{HOME}/{gone}/delete").status_code == 404


def test_erasing_asks_for_the_address(app: InProcess, browser: Browser) -> None:
    gone = new_customer(app, email="erased@person.example")
    wrong = browser.post(f"{HOME}/{gone}/erase", {"confirm": "other@person.example"})
    assert (wrong.status_code, browser.get(f"{HOME}/{gone}").status_code) == (422, 200)
    assert_well_formed(wrong.text)
    assert browser.post(f"{HOME}/{gone}/erase", {"confirm": "erased@person.example"}).status_code == 303
    assert browser.get(f"{HOME}/{gone}").status_code == 404


@settings(deadline=None, max_examples=examples(6, 60))
@given(HOSTILE)
def test_nothing_of_a_person_is_markup(app: InProcess, browser: Browser, text: str) -> None:
    profile = {"email": "mallory@person.example", "name": text, "note": text, "list": [text], "address_city": text}
    api(app, "POST", "/api/v1/customers", profile)
    found = api(app, "GET", "/v1/customers?filter[email_contains]=mallory@person.example")["data"]
    for path in ("", "/edit", "/delete"):
        page = browser.get(f"{HOME}/{found[0]['id']}{path}")
        assert page.status_code == 200
        assert_well_formed(page.text)
        assert "<script>alert" not in page.text
        assert "onerror=alert(1)>" not in page.text


def test_an_edit_is_undone_unless_the_same_was_changed_since(app: InProcess) -> None:
    browser, other = signed_in(app, "write"), signed_in(app, "write")
    path = f"{HOME}/{new_customer(app, email='ana@undo.example', firstname='Ana', plan='pro')}"

    def change(by: Browser, name: str, **more: str) -> None:
        form = form_of(by.get(f"{path}/edit").text)
        assert by.post(f"{path}/edit", {**form, "firstname": name, **more}).status_code == 303

    def now() -> tuple[str, list[str]]:
        profile = other.get(f"{path}/edit.json").json()["profile"]
        return profile["firstname"], sorted(profile["custom_attributes"])

    change(browser, "Anna", **{"new-name": "seen", "new-value": "1", "new-type": "text"})
    assert now() == ("Anna", ["plan", "seen"])
    assert "Undo the edit" in browser.get(path).text
    assert "Undo the edit" not in other.get(path).text
    browser.post(f"{path}/undo")
    assert now() == ("Ana", ["plan"])
    assert "Undo the edit" not in browser.get(path).text
    change(browser, "Anna")
    change(other, "Hanna")
    browser.post(f"{path}/undo")
    browser.cookies["regulars-undo"] = "nonsense"
    assert browser.post(f"{path}/undo").status_code == 303
    assert now() == ("Hanna", ["plan"])
