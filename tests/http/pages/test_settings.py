"""Settings on the page: the site, keys, users, and the audit trail of what was done there."""

import re
from typing import Any

import httpx
import pytest

from regulars.http.pages.signed_in import RECENT_MS
from regulars.store.users import create_link

from ...in_process import InProcess
from .test_screens import assert_well_formed
from .visiting import Browser, new_user, now, signed_in

HOME = "/admin/sites/main/settings"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def browser(app: InProcess) -> Browser:
    return signed_in(app, "admin")


def test_the_settings_of_the_site(app: InProcess, browser: Browser) -> None:
    done = browser.post(HOME, {"title": HOSTILE, "country": "de", "currency": "EUR", "time_zone": "Europe/Berlin"})
    assert done.status_code == 303
    page = browser.get(HOME)
    assert_well_formed(page.text)
    assert HOSTILE not in page.text
    assert browser.get(f"{HOME}.json").json()["site"]["country"] == "DE"
    wrong = browser.post(HOME, {"title": "Main", "country": "Germany", "time_zone": "Nowhere"})
    assert (wrong.status_code, wrong.text.count("aria-invalid")) == (422, 2)
    assert_well_formed(wrong.text)
    browser.post(HOME, {"title": "Main", "country": "", "currency": "EUR", "time_zone": ""})


def secret_in(reply: httpx.Response) -> str:
    found = re.search(r'class="secret">([^<]+)<', reply.text)
    assert found is not None, reply.text
    return found[1]


def test_the_engagement_days_are_shown(browser: Browser) -> None:
    assert browser.get(f"{HOME}.json").json()["engagement"] == {"healthy": 90, "passive": 180, "unengaged": 365}
    assert "customers?q=is%20healthy" in browser.get(HOME).text


def test_a_key_is_shown_once_works_and_is_revoked(app: InProcess, browser: Browser) -> None:
    made = browser.post(f"{HOME}/keys", {"scope": ["read"], "rate": "7"})
    assert_well_formed(made.text)
    secret = secret_in(made)
    request = httpx.Request(
        "GET", "http://regulars.example/v1/customers", headers={"Authorization": f"Bearer {secret}"}
    )
    assert app.request(request).status_code == 200
    page = browser.get(f"{HOME}/keys")
    assert_well_formed(page.text)
    assert secret not in page.text
    key = browser.get(f"{HOME}/keys.json").json()["keys"][0]
    assert (key["hint"], key["scopes"], key["rate"]) == (secret[:9], ["read"], 7)
    assert browser.post(f"{HOME}/keys/{key['id']}/revoke").status_code == 303
    assert app.request(request).status_code == 401
    assert browser.post(f"{HOME}/keys/{key['id']}/revoke").status_code == 404
    for bad in ({}, {"scope": ["read"], "rate": "many"}):
        refused = browser.post(f"{HOME}/keys", bad)
        assert refused.status_code == 422
        assert_well_formed(refused.text)


def test_the_label_and_the_end_of_a_key_are_changed(browser: Browser) -> None:
    secret_in(browser.post(f"{HOME}/keys", {"scope": ["read"], "label": "Shop <b>"}))
    number = browser.get(f"{HOME}/keys.json").json()["keys"][0]["id"]

    def changed(**form: str) -> tuple[str | None, str | None]:
        assert browser.post(f"{HOME}/keys/{number}", form).status_code == 303
        key = browser.get(f"{HOME}/keys.json").json()["keys"][0]
        return key["label"], key["expires_at"]

    assert changed(label="Shop", expires_at="2999-01-01", ended_at="") == ("Shop", "2999-01-01T00:00:00.000Z")
    assert changed(label="Till", expires_at="2999-01-01", ended_at="2999-01-01")[1] == "2999-01-01T00:00:00.000Z"
    assert changed(label="", expires_at="", ended_at="2999-01-01") == (None, None)
    for wrong in ("2001-01-01", "soon"):
        refused = browser.post(f"{HOME}/keys/{number}", {"label": "Till", "expires_at": wrong, "ended_at": ""})
        assert refused.status_code == 422
        assert_well_formed(refused.text)
    assert browser.post(f"{HOME}/keys/{number}/revoke").status_code == 303


def test_a_user_is_invited_changed_and_disabled(app: InProcess, browser: Browser) -> None:
    given = {"address": "ben@settings.example", "name": HOSTILE, "role": "read"}
    made = browser.post(f"{HOME}/users", given)
    assert_well_formed(made.text)
    link = secret_in(made)
    assert HOSTILE not in made.text
    guest = Browser(app)
    assert guest.post(link, {"password": "correct horse battery"}).status_code == 303
    assert guest.get("/admin/sites/main/overview").status_code == 200
    assert browser.post(f"{HOME}/users", given).status_code == 422
    ben = next(each["id"] for each in browser.get(f"{HOME}/users.json").json()["users"] if each["name"] == HOSTILE)
    assert browser.post(f"{HOME}/users/{ben}", {"act": "role", "role": "write"}).status_code == 303
    assert guest.get("/admin/sites/main/imports").text.count("data-upload") == 1
    assert browser.post(f"{HOME}/users/{ben}", {"act": "sign_out"}).status_code == 303
    assert guest.get("/admin/sites/main/overview").status_code == 303
    assert "/admin/link/" in secret_in(browser.post(f"{HOME}/users/{ben}", {"act": "link"}))
    for act in ("disable", "enable"):
        assert browser.post(f"{HOME}/users/{ben}", {"act": act}).status_code == 303
    me = browser.user.id
    assert browser.post(f"{HOME}/users/{me}", {"act": "disable"}).status_code == 422
    stranger = new_user(app, "read", account="globex")
    for who in (stranger.id, 0, "x"):
        assert browser.post(f"{HOME}/users/{who}", {"act": "disable"}).status_code == 404


def test_the_audit_trail_has_what_was_done_here(browser: Browser) -> None:
    browser.post(f"{HOME}/keys", {"scope": ["read"]})
    page = browser.get(f"{HOME}/audit?kind=account")
    assert_well_formed(page.text)
    events = browser.get(f"{HOME}/audit.json?kind=account").json()["events"]
    assert events[0]["actor"] == {"type": "user", "id": str(browser.user.id)}
    assert events[0]["by"] == browser.user.name
    assert any(each["target"].startswith("keys/") for each in events)


def test_what_users_change_of_themselves_is_in_the_audit_trail(app: InProcess, browser: Browser) -> None:
    guest = new_user(app, "read", address=None)
    link = app.run(create_link(app.store.engine, guest.id, now=now()))
    visitor = Browser(app, guest)
    person = {"name": "Eve", "address": "eve@trail.example", "password": "several words are long"}
    assert visitor.post(f"/admin/link/{link}", person).status_code == 303
    new = {"new_password": "other words are long, too"}
    assert visitor.post("/admin/sites/main/account/password", new).status_code == 303
    events = browser.get(f"{HOME}/audit.json?kind=account").json()["events"]
    found = [each for each in events if each["actor"] == {"type": "user", "id": str(guest.id)}]
    assert [each["fields"] for each in found] == [["password"], ["name", "address", "password"]]
    assert {each["target"] for each in found} == {f"users/{guest.id}"}


def test_dangerous_acts_ask_for_the_password_in_an_old_session(app: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    old = signed_in(app, "admin")
    monkeypatch.setattr("regulars.http.pages.signed_in.RECENT_MS", -RECENT_MS)
    acts: list[tuple[str, dict[str, Any]]] = [
        (f"{HOME}/keys", {"scope": ["read"]}),
        (f"{HOME}/keys/1/revoke", {}),
        (f"{HOME}/users", {"address": "eve@settings.example"}),
        (f"{HOME}/users/{new_user(app, 'read').id}", {"act": "disable"}),
    ]
    for path, form in acts:
        asked = old.post(path, form)
        assert (asked.status_code, "older than 15 minutes" in asked.text) == (422, True)
        assert_well_formed(asked.text)
