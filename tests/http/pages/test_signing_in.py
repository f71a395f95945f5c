"""The way in: passwords, one-time links, sessions, and what keeps others out."""

import re
from typing import Any

import pytest
from starlette.datastructures import Headers

from regulars.http.pages import session_cookie
from regulars.http.pages.session_cookie import NAME
from regulars.store import control, users
from regulars.store import sign_in_failures as failures
from regulars.store.user_sessions import IDLE_HOURS, LONGEST_DAYS, find_session, start_session

from ...in_process import Client, InProcess
from .visiting import HOME, SAME_ORIGIN, Browser, link_of, new_user, now, signed_in

PASSWORD = "correct horse battery"
OVERVIEW = "/admin/sites/main/overview"
HOUR = 3_600_000


def with_password(app: InProcess, role: str = "admin", **given: Any) -> Browser:
    """A user who has a password, and is not signed in."""
    browser = Browser(app, new_user(app, role, **given))
    assert browser.post(link_of(app, browser.user), {"password": PASSWORD}).status_code == 303
    browser.cookies.clear()
    return browser


def sign_in(browser: Browser, password: str = PASSWORD, **form: str) -> Any:
    return browser.post("/admin/login", {"address": browser.user.address, "password": password, **form})


class TestPasswords:
    def test_an_address_and_a_password_start_a_session(self, app: InProcess) -> None:
        browser = with_password(app)
        reply = sign_in(browser, next=f"{OVERVIEW}?a=b")
        assert (reply.status_code, reply.headers["location"]) == (303, f"{OVERVIEW}?a=b")
        assert browser.get(OVERVIEW).status_code == 200
        assert browser.get("/admin/login").headers["location"] == "/admin"

    @pytest.mark.parametrize("password", ["wrong", "", "x" * 2_000, PASSWORD + " ", "\0"])
    def test_a_wrong_password_does_not(self, app: InProcess, password: str) -> None:
        browser = with_password(app)
        reply = sign_in(browser, password)
        assert reply.status_code == 422
        assert "The address or the password is wrong." in reply.text
        assert browser.cookies == {}

    def test_who_is_unknown_or_disabled_or_has_none_gets_the_same_answer(self, app: InProcess) -> None:
        disabled = with_password(app)
        app.run(users.disable_user(app.store.engine, disabled.user.id, now=now()))
        without = Browser(app, new_user(app))
        texts = set()
        for address in (disabled.user.address, without.user.address, f"nobody.{now()}@example.com"):
            reply = Browser(app).post("/admin/login", {"address": address, "password": PASSWORD})
            assert reply.status_code == 422
            texts.add(reply.text.replace(str(address), ""))
        assert len(texts) == 1

    @pytest.mark.parametrize("address", ["", "nobody", "<script>alert(1)</script>@x", "\0@example.com"])
    def test_what_is_no_address_is_told(self, app: InProcess, address: str) -> None:
        reply = Browser(app).post("/admin/login", {"address": address, "password": "x"})
        assert reply.status_code == 422
        assert "<script>alert" not in reply.text

    def test_guessing_has_to_wait(self, app: InProcess) -> None:
        browser = with_password(app)
        for _ in range(failures.FREE_FAILURES["address"] + 3):  # the next ones wait longer than this test takes
            subjects = [failures.subject("address", str(browser.user.address))]
            app.run(failures.count_failure(app.store.engine, subjects, now=now()))
        reply = sign_in(browser)
        assert reply.status_code == 429
        assert 1 <= int(reply.headers["retry-after"]) <= 15 * 60
        assert "Try again in" in reply.text

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/administrator",
            "javascript:1",
            "/v1/customers",
        ],
    )
    def test_the_way_back_leads_nowhere_else(self, app: InProcess, elsewhere: str) -> None:
        assert sign_in(with_password(app), next=elsewhere).headers["location"] == "/admin"

    def test_a_password_is_changed(self, app: InProcess) -> None:
        browser = with_password(app)
        sign_in(browser)
        reply = browser.post("/admin/sites/main/account/password", {"new_password": "short"})
        assert reply.status_code == 422
        assert "Use at least 12 characters." in reply.text
        assert browser.post("/admin/sites/main/account/password", {"new_password": "a" * 12}).status_code == 303
        assert sign_in(browser).status_code == 422
        assert sign_in(browser, "a" * 12).status_code == 303


class TestLinks:
    def test_only_the_form_uses_a_link_up(self, app: InProcess) -> None:
        browser = Browser(app, new_user(app))
        path = link_of(app, browser.user)
        for _ in range(3):
            reply = browser.get(path)
            assert (reply.status_code, browser.cookies) == (200, {})
            assert reply.headers["referrer-policy"] == "no-referrer"
        assert browser.post(path).status_code == 303
        assert browser.get(OVERVIEW).status_code == 200
        assert Browser(app).post(path).status_code == 410
        assert Browser(app).get(path).status_code == 410

    def test_a_newer_link_or_time_or_disabling_ends_it(self, app: InProcess) -> None:
        user = new_user(app)
        first, second = link_of(app, user), link_of(app, user)
        assert Browser(app).get(first).status_code == 410
        secret = second.rpartition("/")[2]
        late = now() + (users.LINK_HOURS + 1) * HOUR
        assert app.run(_in_snapshot(app, lambda each: users.user_of_link(each, secret, now=late))) is None
        app.run(users.disable_user(app.store.engine, user.id, now=now()))
        assert Browser(app).post(second).status_code == 410

    def test_the_first_administrator_says_who_they_are(self, app: InProcess) -> None:
        taken = new_user(app)
        browser = Browser(app, new_user(app, address=None, name="Administrator"))
        path = link_of(app, browser.user)
        given = {"name": "Anna Keller", "address": "Anna.Keller@Example.com", "password": PASSWORD}
        for wrong, sentence in (
            ({"name": " "}, "This must be a name"),
            ({"address": "anna"}, "This must be an email address"),
            ({"password": ""}, "Use at least 12 characters."),
            ({"address": taken.address}, "already exists"),
        ):
            reply = browser.post(path, {**given, **wrong})
            assert (reply.status_code, browser.cookies) == (422, {})
            assert sentence in reply.text
        assert browser.post(path, given).status_code == 303
        assert "Anna Keller" in browser.get(OVERVIEW).text
        again = Browser(app)
        assert (
            again.post("/admin/login", {"address": "anna.keller@example.com", "password": PASSWORD}).status_code == 303
        )


class TestSessions:
    def test_the_cookie_is_out_of_reach(self, app: InProcess) -> None:
        browser = Browser(app, new_user(app))
        (cookie,) = browser.post(link_of(app, browser.user)).headers.get_list("set-cookie")
        assert cookie.startswith(f"{NAME}=")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))

    def test_only_the_admin_page_reads_it(self, app: InProcess) -> None:
        browser = signed_in(app)
        for path in ("/v1/customers", "/api/v1/groups", "/v1/audiences"):
            assert browser.get(path).status_code == 401
        for path in ("/v1/questions/check", "/api/v1/customers"):
            assert browser.post(path).status_code == 401

    def test_a_key_does_not_open_the_page(self, app: InProcess) -> None:
        key = app.secret(scopes=("read", "write", "admin"))[1]
        assert Client(app, {"Authorization": f"Bearer {key}"}).get(OVERVIEW).status_code == 303

    def test_over_plain_http_only_this_machine_may_sign_in(self, app: InProcess) -> None:
        browser = Browser(app, new_user(app))
        path = link_of(app, browser.user)
        headers = {"Origin": "http://regulars.example"}
        reply = browser.post(f"http://regulars.example{path}", headers=headers)
        assert (reply.status_code, browser.cookies) == (403, {})
        assert "HTTPS" in browser.get("http://regulars.example/admin/login").text
        reply = browser.post(f"http://127.0.0.1:8080{path}", headers={"Origin": "http://127.0.0.1:8080"})
        (cookie,) = reply.headers.get_list("set-cookie")
        assert cookie.startswith("regulars-8080=")
        assert "Secure" not in cookie
        assert browser.get(f"http://127.0.0.1:8080{OVERVIEW}").status_code == 200
        assert browser.get(f"http://127.0.0.1:8081{OVERVIEW}").status_code == 303

    @pytest.mark.parametrize(
        ("host", "is_local"),
        [
            ("localhost", True),
            ("127.0.0.53", True),
            ("[::1]", True),
            ("app.localhost", True),
            ("localhost.evil.example", False),
            ("127.0.0.1.evil.example", False),
            ("192.168.1.5", False),
            ("regulars.example", False),
        ],
    )
    def test_what_is_this_machine(self, app: InProcess, host: str, is_local: bool) -> None:
        headers = Headers({"host": f"{host}:8080"}).raw
        scope = {"type": "http", "scheme": "http", "headers": headers, "services": app.services}
        assert session_cookie.place_of(scope).can_sign_in == is_local

    def test_a_made_up_or_stolen_hash_is_no_session(self, app: InProcess) -> None:
        browser = signed_in(app)
        secret = browser.cookies[NAME]
        for wrong in ("", "x", secret[:-1], secret + "x", control.fingerprint(secret).hex()):
            browser.cookies[NAME] = wrong
            assert browser.get(OVERVIEW).status_code == 303

    def test_sessions_end_by_time(self, app: InProcess) -> None:
        user = new_user(app)
        began = now()
        secret = app.run(_start(app, user.id, began))

        def found(at: int) -> Any:
            return app.run(_in_snapshot(app, lambda each: find_session(each, secret, now=at)))

        assert found(began + (IDLE_HOURS * HOUR) - 1) is not None
        assert found(began + IDLE_HOURS * HOUR) is None
        assert found(began + LONGEST_DAYS * 24 * HOUR + 1) is None

    def test_signing_out_ends_this_session_and_everywhere_ends_all(self, app: InProcess) -> None:
        first = with_password(app)
        second, third = Browser(app, first.user), Browser(app, first.user)
        for each in (first, second, third):
            sign_in(each)
        kept = dict(first.cookies)
        assert first.post("/admin/logout").headers["location"] == "/admin/login"
        first.cookies = kept
        assert (first.get(OVERVIEW).status_code, second.get(OVERVIEW).status_code) == (303, 200)
        assert "3 sessions" not in second.get("/admin/sites/main/account").text
        assert second.post("/admin/logout/everywhere").status_code == 303
        assert third.get(OVERVIEW).status_code == 303

    def test_disabling_and_a_new_role_hold_at_once(self, app: InProcess) -> None:
        browser = signed_in(app, "admin")
        app.run(users.set_role(app.store.engine, browser.user.id, "read"))
        assert ">read<" in browser.get("/admin/sites/main/account").text
        app.run(users.disable_user(app.store.engine, browser.user.id, now=now()))
        assert browser.get(OVERVIEW).status_code == 303

    def test_an_old_session_has_to_say_the_password_again(self, app: InProcess) -> None:
        browser = with_password(app)
        browser.cookies[NAME] = app.run(_start(app, browser.user.id, now() - HOUR))
        change = "/admin/sites/main/account/password"
        reply = browser.post(change, {"new_password": "b" * 12})
        assert (reply.status_code, "Type your password to go on." in reply.text) == (422, True)
        reply = browser.post(change, {"new_password": "b" * 12, "current_password": "wrong"})
        assert (reply.status_code, "This is not your password." in reply.text) == (422, True)
        assert browser.post(change, {"new_password": "b" * 12, "current_password": PASSWORD}).status_code == 303
        assert browser.post(change, {"new_password": "c" * 12}).status_code == 303  # it is recent again


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": HOME},
            {"Sec-Fetch-Site": "none"},
            {"Origin": "https://evil.example"},
            {"Origin": "https://regulars.example.evil.example"},
            {"Origin": "https://regulars.example:444"},
            {"Origin": "null"},
            {},
        ],
    )
    def test_their_forms_are_refused(self, app: InProcess, headers: dict[str, str]) -> None:
        browser = signed_in(app)
        for path in ("/admin/logout", "/admin/sites/main/account/password", "/admin/login"):
            reply = browser.post(path, {"new_password": "x" * 12}, headers=headers)
            assert reply.status_code == 403
            assert "another site" in reply.text
        assert browser.get(OVERVIEW).status_code == 200

    @pytest.mark.parametrize("headers", [SAME_ORIGIN, {"Origin": HOME}])
    def test_our_own_are_not(self, app: InProcess, headers: dict[str, str]) -> None:
        assert signed_in(app).post("/admin/logout", headers=headers).status_code == 303


def test_the_first_page_leads_to_a_site(app: InProcess) -> None:
    browser = signed_in(app)
    assert browser.get("/admin").headers["location"] == OVERVIEW
    reply = Browser(app).get("/admin")
    assert reply.headers["location"] == "/admin/login?next=/admin"
    assert re.search(r"<h1>Sign in</h1>", Browser(app).get(reply.headers["location"]).text)


def test_the_page_can_be_switched_off(tmp_path: Any) -> None:
    with InProcess(tmp_path / "regulars.db", admin="off") as app:
        for path in ("/admin", "/admin/login", OVERVIEW, "/admin/static/admin.css"):
            assert Browser(app).get(path).status_code == 404
        assert Client(app, {}).get("/docs").status_code == 200


async def _in_snapshot(app: InProcess, work: Any) -> Any:
    async with app.store.snapshot() as connection:
        return await work(connection)


async def _start(app: InProcess, user: int, moment: int) -> str:
    async with app.store.engine.transaction() as connection:
        return await start_session(connection, user, agent=None, now=moment)
