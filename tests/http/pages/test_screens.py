"""Every screen: who may see it, what its replies have in common, and that no text of others becomes markup."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.http.operation import Operation
from regulars.http.pages.admin import OPERATIONS
from regulars.http.pages.page import POLICY
from regulars.store.users import ROLES

from ...in_process import InProcess
from .test_documentation import Page
from .visiting import Browser, signed_in

SCREENS = [each for each in OPERATIONS if each.path.startswith("/admin/sites/")]
"""The operations of a site, which need a session."""

SHOWN = [each for each in SCREENS if each.also and "{" not in each.path.removeprefix("/admin/sites/{site}")]
"""The screens without further parameters in their path."""

ALLOWED = {"read": {"read"}, "write": {"read", "write"}, "admin": {"read", "write", "admin"}}


@pytest.fixture(scope="module")
def browsers(app: InProcess) -> dict[str, Browser]:
    """A signed-in browser for each role."""
    return {role: signed_in(app, role) for role in ROLES}


def called(browser: Browser, operation: Operation, site: str = "main", name: str = "1") -> Any:
    path = re.sub(r"{\w+}", name, operation.path.replace("{site}", site))
    return browser.get(path) if operation.method == "GET" else browser.post(path)


@pytest.mark.parametrize("operation", SCREENS, ids=lambda each: f"{each.method} {each.path}")
def test_roles_and_strangers(app: InProcess, browsers: dict[str, Browser], operation: Operation) -> None:
    assert called(Browser(app), operation).headers["location"].startswith("/admin/login?next=/admin")
    for role, browser in browsers.items():
        reply = called(browser, operation)
        if operation.scope in ALLOWED[role]:
            assert reply.status_code in (200, 303, 404, 422), reply.text
        else:
            assert reply.status_code == 403
            assert f"Your role is “{role}”" in reply.text
    stranger = signed_in(app, account="globex")
    assert called(stranger, operation, site="nowhere").status_code == 404


NAMES = ("%0D%0AX:%20y", "%F0%9F%98%80", "1%3Fx=1", "1%23x", "%25", "%00", "%2e%2e%2f1", "%FF", ";", "%22", "%E2%80%AE")
"""Parts of a path that mean something else in a header, in a URL or to another call."""


@pytest.mark.parametrize("name", NAMES)
def test_a_part_of_the_path_is_nothing_but_a_name(browsers: dict[str, Browser], name: str) -> None:
    """The application in this process refuses headers that a server would not send."""
    for operation in SCREENS:
        reply = called(browsers["admin"], operation, name=name)
        assert reply.status_code in (200, 303, 400, 404, 422), f"{operation.path} {reply.text}"


@pytest.mark.parametrize("operation", SHOWN, ids=lambda each: each.path)
def test_a_screen_is_well_formed_and_says_itself_as_json(browsers: dict[str, Browser], operation: Operation) -> None:
    reply = called(browsers["admin"], operation)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["cross-origin-opener-policy"] == "same-origin"
    assert_well_formed(reply.text)
    as_json = browsers["admin"].get(operation.path.replace("{site}", "main") + ".json")
    assert (as_json.status_code, as_json.headers["content-type"]) == (200, "application/json")
    assert as_json.json() is not None


def assert_well_formed(text: str) -> None:
    """Elements are closed in order, there is one h1, ids are unique and referred to, and nothing is inline."""
    page = Page(text)
    assert page.open == []
    tags = [tag for tag, _ in page.found]
    assert tags.count("h1") == 1
    assert tags.count("main") == 1
    assert not {"style", "iframe", "object"} & set(tags)
    assert all(attributes.get("src") for tag, attributes in page.found if tag == "script")
    names = {name for _, attributes in page.found for name in attributes}
    assert not [name for name in names if name.startswith(("on", "hx-on")) or name == "style"]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    labels = {
        each for name in ("for", "aria-labelledby", "aria-describedby") for each in " ".join(page.values(name)).split()
    }
    assert labels - set(ids) == set()


@pytest.mark.parametrize("path", ["/admin/sites/main/nowhere", "/admin/nowhere", "/admin/static/admin.css"])
def test_an_unknown_path_is_a_page_that_says_so(browsers: dict[str, Browser], path: str) -> None:
    reply = browsers["read"].get(path)
    assert reply.status_code == 404
    assert_well_formed(reply.text)


def test_an_error_of_json_is_json(app: InProcess) -> None:
    reply = Browser(app).get("/admin/sites/main/overview.json")
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "not_authenticated"


def test_a_live_part_leads_to_the_sign_in_when_the_session_has_ended(app: InProcess) -> None:
    reply = Browser(app).get("/admin/sites/main/overview", **{"HX-Request": "true", "HX-Request-Type": "partial"})
    assert (reply.status_code, reply.text) == (401, "")
    assert reply.headers["hx-redirect"] == "/admin/login?next=/admin/sites/main/overview"


def test_another_account_s_site_is_unknown(app: InProcess) -> None:
    app.secret("globex", "secret")
    for site in ("secret", "nowhere", "%00", "..", "main%2f"):
        assert signed_in(app).get(f"/admin/sites/{site}/overview").status_code == 404


HOSTILE = st.one_of(
    st.sampled_from(["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "\u202egpj.exe"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200),
)


@settings(deadline=None)
@given(HOSTILE)
def test_a_notice_is_never_markup(browsers: dict[str, Browser], text: str) -> None:
    browser = browsers["read"]
    browser.cookies["regulars-notice"] = quote(text)
    page = browser.get("/admin/sites/main/account").text
    assert_well_formed(page)
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page
