"""A browser as far as HTTP goes: keeps cookies, sends forms from the page's own origin, follows redirects if asked."""

import time
from typing import Any
from urllib.parse import urlencode

import httpx

from regulars.store import control, users
from regulars.store.users import User

from ...in_process import InProcess

HOME = "https://regulars.example"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Browser:
    """Cookies of one person. `user`: who signs in with it."""

    def __init__(self, app: InProcess, user: User | None = None) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}
        self._user = user

    @property
    def user(self) -> User:
        assert self._user is not None
        return self._user

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers=headers)

    def post(
        self, path: str, form: dict[str, Any] | None = None, headers: dict[str, str] = SAME_ORIGIN
    ) -> httpx.Response:
        """Send a form, as a page of the server does unless other headers are given."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, headers={**kind, **headers}, content=urlencode(form or {}, doseq=True).encode())

    def send(self, method: str, path: str, *, headers: dict[str, str], content: bytes = b"") -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**({"Cookie": cookies} if cookies else {}), **headers}
        url = path if path.startswith("http") else HOME + path
        reply = self.app.request(httpx.Request(method, url, headers=sent, content=content))
        for name, value in reply.cookies.items():
            self.cookies[name] = value
        for line in reply.headers.get_list("set-cookie"):
            if "Max-Age=0" in line:
                self.cookies.pop(line.partition("=")[0], None)
        return reply


def new_user(app: InProcess, role: str = "admin", *, account: str = "acme", **given: Any) -> User:
    """A user of an account, which is created at its first mention."""
    app.secret(account)
    number = app.run(_account(app, account))
    address = given.pop("address", f"{role}.{time.time_ns()}@example.com")
    values = {"name": role, "address": address, "role": role, "now": now(), **given}
    return app.run(users.create_user(app.store.engine, number, **values))  # type: ignore[no-any-return]


def link_of(app: InProcess, user: User) -> str:
    """The path of a new one-time link."""
    return f"/admin/link/{app.run(users.create_link(app.store.engine, user.id, now=now()))}"


def signed_in(app: InProcess, role: str = "admin", **given: Any) -> Browser:
    """A browser in which a new user of this role is signed in."""
    browser = Browser(app, new_user(app, role, **given))
    reply = browser.post(link_of(app, browser.user), {"password": given.get("password", "")})
    assert reply.status_code == 303, reply.text
    return browser


def now() -> int:
    return time.time_ns() // 1_000_000


async def _account(app: InProcess, name: str) -> int:
    async with app.store.snapshot() as connection:
        return await control.find_account(connection, name)
