"""The admin page: the time that the server takes for each screen, and what a browser loads the first time."""

import asyncio
import gzip
import http.client
import json
import re
import statistics
import time
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from bench import data
from bench.report import Figure
from bench.server import running
from regulars.store import control, users
from regulars.store.store import Store
from regulars.store.user_sessions import start_session

LONGEST: Final = 50.0
"""Milliseconds that a screen may take."""

HEAVIEST: Final = 100.0
"""KB, compressed, that a browser may have to load for a screen the first time."""

_REPEATS: Final = 15
_ROUNDS_OF_WARMTH: Final = 3
_ANYBODY: Final = 2**32 + 5
_QUESTION: Final = "tag:vip and not opened:broadcast/8 and (revenue > 50 or is healthy)"
SCREENS: Final = {
    "overview": "/overview",
    "customers": "/customers",
    "customers, a question": f"/customers?q={quote(_QUESTION)}",
    "customers, a name": "/customers?q=anna",
    "a person": f"/customers/{_ANYBODY}",
    "a person, emails": f"/customers/{_ANYBODY}?show=email",
    "edit a person": f"/customers/{_ANYBODY}/edit",
    "audiences": "/audiences",
    "one audience": "/audiences/{audience}",
    "duplicates": "/duplicates",
    "bulk action, preview": "/bulk-action?q=tag:vip&type=add_tag&object=press",
    "broadcasts": "/broadcasts",
    "one broadcast": "/broadcasts/8",
    "erasures": "/settings/erasures",
    "objects": "/objects",
    "tags": "/objects/contact_tags",
    "imports": "/imports",
    "exports": "/exports",
    "settings": "/settings",
    "audit trail": "/settings/audit",
}


class _Reply(NamedTuple):
    milliseconds: float
    body: bytes
    compressed: int


def over_http(folder: Path, count: int) -> list[Figure]:
    """The time and the weight of each screen. It asks the largest database in the folder, or makes one."""
    url = _database(folder, count)
    home, cookie = asyncio.run(_sign_in(url))
    figures = []
    with running(url) as server:
        visit = _Visit(server.removeprefix("http://"), cookie)
        total = json.loads(visit.ready(f"{home}/customers.json").body)["total"]
        audience = _audience(visit, home)
        for name, path in SCREENS.items():
            asked = f"{home}{path.replace('{audience}', audience)}"
            visit.ready(asked)
            for _ in range(_ROUNDS_OF_WARMTH):
                visit(asked)
            replies = [visit(asked) for _ in range(_REPEATS)]
            took = statistics.median(each.milliseconds for each in replies)
            weight = (replies[-1].compressed + visit.assets(replies[-1].body)) / 1_000
            note = f"{total:,} customers"
            figures.append(Figure(name, took, "ms", "the limit", LONGEST, 1, at_least=False, note=note))
            figures.append(Figure(f"{name}, first load", weight, "KB", "the limit", HEAVIEST, 1, at_least=False))
    return figures


def _database(folder: Path, count: int) -> str:
    """The URL of the database to ask."""
    folder.mkdir(parents=True, exist_ok=True)
    known = max(folder.glob("*.db"), key=lambda each: each.stat().st_size, default=None)
    if known is not None:
        return data.url_of(known)
    url = data.url_of(folder / f"pages-{count}.db")
    site, _ = data.new_database(url)
    data.import_customers(url, site, data.customers(count))
    data.import_activity(url, site, data.activity(count))
    return url


async def _sign_in(url: str) -> tuple[str, str]:
    """(the path of the first site, the secret of a session of a new administrator)."""
    store = await Store.open(url)
    now = time.time_ns() // 1_000_000
    try:
        async with store.snapshot() as connection:
            account, _ = (await control.list_accounts(connection))[0]
            site = (await control.list_sites(connection, account))[0]
        user = await users.create_user(
            store.engine, account, name="Bench", address=f"bench.{now}@example.com", role="admin", now=now
        )
        async with store.engine.transaction() as connection:
            secret = await start_session(connection, user.id, agent=None, now=now)
    finally:
        await store.close()
    return f"/admin/sites/{site.subdomain}", secret


def _audience(visit: "_Visit", home: str) -> str:
    """The id of an audience, made if there is none."""
    listed = json.loads(visit(f"{home}/audiences.json").body)["audiences"]
    if not listed:
        visit(f"{home}/audiences", "POST", f"name=Bench&q={quote('tag:vip')}")
        listed = json.loads(visit(f"{home}/audiences.json").body)["audiences"]
    return str(listed[0]["id"])


class _Visit:
    """One connection of a browser that is signed in."""

    def __init__(self, host: str, secret: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=600)
        self._headers = {
            "Cookie": f"regulars-{host.rpartition(':')[2]}={secret}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._assets: dict[str, int] = {}

    def __call__(self, path: str, method: str = "GET", form: str | None = None) -> _Reply:
        reply, status = self._send(path, method, form)
        if status not in (HTTPStatus.OK, HTTPStatus.SEE_OTHER):
            raise RuntimeError(f"{status} {path}: {reply.body[:300]!r}")
        return reply

    def ready(self, path: str) -> _Reply:
        """The first answer; waits while the index is being built."""
        while self._send(path, "GET", None)[1] == HTTPStatus.SERVICE_UNAVAILABLE:
            time.sleep(0.1)
        return self(path)

    def assets(self, page: bytes) -> int:
        """The compressed bytes of the files that a page loads."""
        found = set(re.findall(r'(?:href|src)="(/admin/static/[^"#]+)', page.decode()))
        for path in found - self._assets.keys():
            self._assets[path] = self(path).compressed
        return sum(self._assets[path] for path in found)

    def _send(self, path: str, method: str, form: str | None) -> tuple[_Reply, int]:
        start = time.perf_counter()
        self._connection.request(method, path, form, self._headers)
        reply = self._connection.getresponse()
        body = reply.read()
        took = (time.perf_counter() - start) * 1_000
        return _Reply(took, body, len(gzip.compress(body))), reply.status
