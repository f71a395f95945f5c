"""A server in a process of its own for the tests in a browser, and people who are signed in there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from regulars.domain.moments import now_ms
from regulars.store import control, users
from regulars.store.store import Store

from ...coroutines import run
from ...running_server import Server, database_url, make_database

STORIES = "stories"
"""The second site of the server, for the tests that count customers."""


class Served(NamedTuple):
    """A running server with two sites: its database, its URL, and the key of each site."""

    path: Path
    url: str
    secret: str
    stories_secret: str

    def link_to(self, name: str, address: str | None, role: str = "admin") -> str:
        """The path of a one-time link for a new user."""
        return f"/admin/link/{run(_link(self.path, name, address, role))}"

    def state(self, name: str, role: str) -> dict[str, Any]:
        """What a browser keeps of a new user who has signed in, as Playwright takes it."""
        url = self.url + self.link_to(name, f"{name}@browser.example", role)
        reply = httpx.post(url, data={"password": ""}, headers={"Sec-Fetch-Site": "same-origin"}, timeout=60)
        assert reply.status_code == 303, reply.text
        kept = {"domain": urlsplit(self.url).hostname, "path": "/", "expires": -1, "httpOnly": True, "secure": False}
        cookies = [{"name": name, "value": value, "sameSite": "Lax", **kept} for name, value in reply.cookies.items()]
        return {"cookies": cookies, "origins": []}

    def api(self, method: str, path: str, *, secret: str = "", **call: Any) -> Any:
        """Call the API with the key of the first site, or with another; its reply, if it has a body."""
        reply = httpx.request(method, self.url + path, auth=(secret or self.secret, ""), timeout=60, **call)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A server on a new database."""
    path = folder / "regulars.db"
    secret = make_database(path)
    stories_secret = run(_second_site(path))
    with Server(path, workers=1) as server:
        yield Served(path, f"http://127.0.0.1:{server.port}", secret, stories_secret)


async def _link(path: Path, name: str, address: str | None, role: str) -> str:
    store = await Store.open(database_url(path))
    async with store.snapshot() as connection:
        account = await control.find_account(connection, None)
    user = await users.create_user(store.engine, account, name=name, address=address, role=role, now=now_ms())
    secret = await users.create_link(store.engine, user.id, now=now_ms())
    await store.close()
    return secret


async def _second_site(path: Path) -> str:
    store = await Store.open(database_url(path))
    async with store.snapshot() as connection:
        account = await control.find_account(connection, None)
    site = await control.create_site(store.engine, account, STORIES, now=now_ms())
    _, secret = await control.create_key(store.engine, site, now=now_ms())
    await store.close()
    return secret
