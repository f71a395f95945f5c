"""A proxy between the program and PostgreSQL that reads along: it cuts the connection at a COMMIT, or makes a statement
fail with the SQLSTATE that is wanted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg.conninfo

_PORT = 5432


class Fault:
    """The `at`-th statement that passes, from 0, is replaced by one that raises an error of this SQLSTATE.

    arguments: if given, only statements with one of these count. `hit` is the text of the statement that it met;
    lasting: all that follow it fail, too.
    """

    def __init__(self, code: str, at: int = 0, *, argument: bytes | None = None, lasting: bool = False) -> None:
        self.code = code
        self.at = at
        self.argument = argument
        self.lasting = lasting
        self.hit: str | None = None

    def meets(self, text: str, arguments: list[bytes | None]) -> bool:
        if (self.hit is not None and not self.lasting) or (
            self.argument is not None and self.argument not in arguments
        ):
            return False
        self.at -= 1
        if self.at >= 0:
            return False
        self.hit = text
        return True


class Proxy:
    """fault: the statement that fails.

    cut: when the next COMMIT passes, hang up before it reaches the server, or once the server has answered it.
    """

    def __init__(self, url: str, folder: Path) -> None:
        given = psycopg.conninfo.conninfo_to_dict(url)
        self._host = str(given.get("host") or "localhost")
        self._target_port = int(given.get("port") or _PORT)
        self.url = f"postgresql://{given.get('user', 'postgres')}@/{given['dbname']}?host={quote(str(folder))}"
        if "password" in given:
            self.url += f"&password={quote(str(given['password']))}"
        self.path = folder / f".s.PGSQL.{_PORT}"
        self.cut: Literal["before", "after"] | None = None
        self.fault: Fault | None = None
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
        self.texts: dict[bytes, str] = {}
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
                if kind == b"P":
                    name, text = body.split(b"\0")[:2]
                    self.texts[name] = text.decode()
                if kind == b"B" and self.proxy.fault is not None:
                    name, arguments = bound(body)
                    if self.proxy.fault.meets(self.texts[name], arguments):
                        writer.write(raising(self.proxy.fault.code))
                        continue
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


def bound(body: bytes) -> tuple[bytes, list[bytes | None]]:
    """The statement that a Bind message names, and its arguments."""
    _, name, rest = body.split(b"\0", 2)
    formats = int.from_bytes(rest[:2])
    rest = rest[2 + 2 * formats :]
    count, rest = int.from_bytes(rest[:2]), rest[2:]
    arguments: list[bytes | None] = []
    for _ in range(count):
        size, rest = int.from_bytes(rest[:4], signed=True), rest[4:]
        arguments.append(None if size < 0 else rest[:size])
        rest = rest[max(size, 0) :]
    return name, arguments


def raising(code: str) -> bytes:
    """The messages that prepare and bind a statement which raises an error: the server itself is in the state of it."""
    text = f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{code}'; END $$".encode()
    parse, bind = b"\0" + text + b"\0\0\0", b"\0\0" + 6 * b"\0"
    return b"".join(kind + (len(body) + 4).to_bytes(4) + body for kind, body in ((b"P", parse), (b"B", bind)))


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
