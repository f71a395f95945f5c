"""The application in this process: the real store on a real database, called through ASGI, without a network."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from starlette.types import Message

from regulars.app import Application, create_app
from regulars.http.services import Services
from regulars.settings import Settings
from regulars.store import control
from regulars.store.control import Site
from regulars.store.store import Store

from . import described
from .contents import Contents, contents
from .databases import empty_database, url_of

# httpx looks for this module at every request, and does not find it: without trio there is none. This ends the search.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

NOTHING: Any = object()
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class InProcess:
    """One server on one database, with its lifespan driven by hand: `with InProcess(path) as app`.

    `store` is a second handle on the same database, as another process would have one.
    """

    def __init__(self, path: Path, *, runner: asyncio.Runner | None = None, **settings: Any) -> None:
        self.path = path
        self.settings = Settings(database=url_of(path), **settings)
        self._runner = runner or asyncio.Runner()
        self._owns_runner = runner is None
        self.application: Application = create_app(self.settings)
        self._accounts: dict[str, int] = {}
        self._sites: dict[tuple[str, str], Site] = {}

    def __enter__(self) -> Self:
        self.store: Store = self.run(Store.open(self.settings.database))
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self.run(self.store.close())
        if self._owns_runner:
            self._runner.close()

    def run(self, work: Any) -> Any:
        """Run a coroutine on the loop that the application lives on."""
        return self._runner.run(work)

    def twin(self) -> "InProcess":
        """Another server on the same database. It shares the loop: a server that stands still could keep the lock."""
        return InProcess(self.path, runner=self._runner)

    def client(self, *, account: str = "acme", site: str = "main", **key: Any) -> "Client":
        """A caller with a key of its own. `key`: scopes and dialect, as `create_key` takes them."""
        return Client(self, {"Authorization": f"Bearer {self.secret(account, site, **key)[1]}"})

    def secret(self, account: str = "acme", site: str = "main", **key: Any) -> tuple[int, str]:
        """A new key's number and secret; account and site are created at their first mention."""
        return self.run(self._secret(account, site, **key))  # type: ignore[no-any-return]

    @property
    def services(self) -> Services:
        """What the application has opened."""
        assert self.application.gate.services is not None
        return self.application.gate.services

    def site(self, account: str, site: str) -> int:
        """The number of a site that a client or secret was made for."""
        return self._sites[account, site].id

    def contents(self) -> Contents:
        """What the database holds at this moment."""
        return contents(self.path)

    def request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its reply."""
        return self.run(self.exchange(request))  # type: ignore[no-any-return]

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """`request`, for those who do something else meanwhile."""
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://regulars.example") as client:
            reply = await client.send(request)
        for name, value in reply.headers.raw:
            assert not _CONTROL.search(value), f"a server would not send the header {name!r}: {value!r}"
        if described.IS_CHECKED:
            described.assert_described(request, reply)
        return reply

    async def _secret(self, account: str, site: str, **key: Any) -> tuple[int, str]:
        engine, now = self.store.engine, time.time_ns() // 1_000_000
        if account not in self._accounts:
            self._accounts[account] = await control.create_account(engine, account, now=now)
        if (account, site) not in self._sites:
            self._sites[account, site] = await control.create_site(engine, self._accounts[account], site, now=now)
        made, secret = await control.create_key(engine, self._sites[account, site], now=now, **key)
        return made.id, secret

    async def _start(self) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._lifespan = asyncio.create_task(self.application({"type": "lifespan"}, self._inbox.get, self._outbox.put))
        await self._inbox.put({"type": "lifespan.startup"})
        reply = await self._outbox.get()
        assert reply["type"] == "lifespan.startup.complete", reply

    async def _stop(self) -> None:
        await self._inbox.put({"type": "lifespan.shutdown"})
        reply = await self._outbox.get()
        assert reply["type"] == "lifespan.shutdown.complete", reply
        await self._lifespan


@contextmanager
def application(folder: Path, engine: str, **settings: Any) -> Iterator[InProcess]:
    """A server in this process on a new database of an engine."""
    if engine != "sqlite":  # whose files are beside the database
        settings.setdefault("files_folder", str(folder / "files"))
    with empty_database(folder, engine, "regulars") as path, InProcess(path, **settings) as running:
        yield running


class Client:
    """A caller of the classic surface: paths are below /api/v1 unless they begin with a slash."""

    def __init__(self, app: InProcess, headers: dict[str, str]) -> None:
        self.app = app
        self.headers = headers

    def having(self, **headers: str) -> "Client":
        """The same caller with further headers: `X_SWU_API_CLIENT="node"`."""
        return Client(self.app, {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}})

    def send(
        self,
        method: str,
        path: str,
        json: Any = NOTHING,
        *,
        content: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request: a JSON value, raw bytes, or several pieces of them as a chunked body."""
        return self.app.request(self.request(method, path, json, content=content, headers=headers))

    def request(
        self,
        method: str,
        path: str,
        json: Any = NOTHING,
        *,
        content: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Request:
        """The request that `send` sends."""
        given: dict[str, Any] = {} if json is NOTHING else {"json": json}
        if content is not None:
            given["content"] = content if isinstance(content, bytes) else _pieces(content)
        url = "http://regulars.example" + (path if path.startswith("/") else f"/api/v1/{path}")
        sent = [(name.encode(), text.encode()) for name, text in {**self.headers, **(headers or {})}.items()]
        return httpx.Request(method, url, headers=sent, **given)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.send("GET", path, **more)

    def post(self, path: str, json: Any = NOTHING, **more: Any) -> httpx.Response:
        return self.send("POST", path, json, **more)

    def put(self, path: str, json: Any = NOTHING, **more: Any) -> httpx.Response:
        return self.send("PUT", path, json, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.send("DELETE", path, **more)


async def _pieces(content: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece
