"""A load generator: closed loops over keep-alive HTTP/1.1 connections, in the process that calls it.

Lean on purpose: it shares the machine with the server it measures. Every reply must be a 200.
"""

import asyncio
import base64
import itertools
import time
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import uvloop
from msgspec import Struct

Request = Callable[[int], bytes]
"""The bytes of the nth request."""


class Load(Struct, frozen=True):
    """What a run saw: replies, and how many a second, and latencies in ms."""

    replies: int
    rate: float
    p50: float
    p99: float
    worst: float


def request(method: str, target: str, body: bytes = b"", *, key: str | None = None) -> bytes:
    """An HTTP request with Basic credentials."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    if key is not None:
        lines.append("Authorization: Basic " + base64.b64encode(f"{key}:".encode()).decode())
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def measure(url: str, make: Request, *, connections: int, seconds: float) -> Load:
    """Send requests over so many connections for so long, one at a time on each."""
    return uvloop.run(_measure(url, make, connections, seconds))


async def _measure(url: str, make: Request, connections: int, seconds: float) -> Load:
    host, port = url.removeprefix("http://").split(":")
    loop = asyncio.get_running_loop()
    took: list[float] = []
    counter = itertools.count()
    start = time.perf_counter()
    stop = start + seconds
    clients = []
    for _ in range(connections):
        client = _Client(make, counter, took, stop, loop.create_future())
        await loop.create_connection(lambda client=client: client, host, int(port))  # type: ignore[misc]
        clients.append(client)
    for client in clients:
        await client.done
    elapsed = time.perf_counter() - start
    milliseconds = np.array(took) * 1000
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return Load(len(took), len(took) / elapsed, float(p50), float(p99), float(milliseconds.max()))


class _Client(asyncio.Protocol):
    def __init__(
        self, make: Request, counter: Iterator[int], took: list[float], stop: float, done: asyncio.Future[None]
    ) -> None:
        self.make = make
        self.counter = counter
        self.took = took
        self.stop = stop
        self.done = done
        self.buffer = b""
        self.wanted = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are not derived from it
        self._send()

    def _send(self) -> None:
        content = self.make(next(self.counter))
        self.sent = time.perf_counter()
        self.transport.write(content)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.wanted < 0:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                self.done.set_exception(RuntimeError(self.buffer[:500].decode()))
                self.transport.close()
                return
            place = head.index(b"content-length:") + 15
            length = int(head[place : (head + b"\r\n").index(b"\r\n", place)])
            self.wanted = end + 4 + length
        if len(self.buffer) < self.wanted:
            return
        now = time.perf_counter()
        self.took.append(now - self.sent)
        self.buffer, self.wanted = b"", -1
        if now < self.stop:
            self._send()
        else:
            self.transport.close()
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))
