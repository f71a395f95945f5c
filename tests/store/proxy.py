"""A proxy between the program and PostgreSQL that reads along, and cuts the connection at a COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg.conninfo

_PORT = 5432


class Proxy:
    """cut: when the next COMMIT passes, hang up before it reaches the server, or once the server has answered it."""

    def __init__(self, url: str, folder: Path) -> None:
        given = psycopg.conninfo.conninfo_to_dict(url)
        self._host = str(given.get("host") or "localhost")
        self._target_port = int(given.get("port") or _PORT)
        self.url = f"postgresql://{given.get('user', 'postgres')}@/{given['dbname']}?host={quote(str(folder))}"
        if "password" in given:
            self.url += f"&password={quote(str(given['password']))}"
        self.path = folder / f".s.PGSQL.{_PORT}"
        self.cut: Literal["before", "after"] | None = None
        self.cuts = 0
        self.was_cut = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            server = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._target_port}")
        else:
            server = await asyncio.open_connection(self._host, self._target_port)
        link = _Link(self, (reader, writer), server)
        task = asyncio.ensure_future(link.run())
        self._tasks.add(task)
        with suppress(asyncio.CancelledError, ConnectionError):
            await task
        self._tasks.discard(task)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Link:
    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.commits: set[bytes] = set()
        self.swallow = False

    async def run(self) -> None:
        ways = [asyncio.ensure_future(self.up()), asyncio.ensure_future(self.down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self.client[1].close()
            self.server[1].close()

    async def up(self) -> None:
        """Pass on what the program says, message by message."""
        reader, writer = self.client[0], self.server[1]
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = await reader.readexactly(4)  # the first message has no type
            writer.write(size + await reader.readexactly(int.from_bytes(size) - 4))
            while True:
                kind = await reader.readexactly(1)
                size = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(size) - 4)
                if self.is_commit(kind, body) and self.proxy.cut is not None:
                    how, self.proxy.cut = self.proxy.cut, None
                    self.proxy.cuts += 1
                    self.proxy.was_cut.set()
                    if how == "before":
                        return
                    self.swallow = True
                writer.write(kind + size + body)

    async def down(self) -> None:
        """Pass on what the server says."""
        reader, writer = self.server[0], self.client[1]
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                # "Z" ends every answer; those to what went before the COMMIT may come first.
                if self.swallow:
                    if b"COMMIT\0" in data:
                        return
                    continue
                writer.write(data)

    def is_commit(self, kind: bytes, body: bytes) -> bool:
        if kind == b"P":
            name, text = body.split(b"\0")[:2]
            if text == b"COMMIT":
                self.commits.add(name)
        return kind == b"B" and body.split(b"\0")[1] in self.commits


@asynccontextmanager
async def proxied(url: str, folder: Path) -> AsyncIterator[Proxy]:
    """A running proxy in front of a server."""
    proxy = Proxy(url, folder)
    server = await asyncio.start_unix_server(proxy.serve, proxy.path)
    try:
        yield proxy
    finally:
        server.close()
        proxy.stop()
        await asyncio.sleep(0)
