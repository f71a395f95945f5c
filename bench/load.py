"""A load generator: closed loops over keep-alive HTTP/1.1 connections, in the process that calls it.

Lean on purpose, as it shares the machine with the server it measures: a server must not seem slow, or a bare echo no
faster than something else, because the client is. Every reply must be a 200.
"""

import base64
import itertools
import math
import select
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
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


def prepared(make: Request, count: int, *, again: bool = False) -> Request:
    """The first so many requests made beforehand, so that making them takes nothing from the server or the figure.

    Further ones are made when it is their turn or, with `again`, begin from the first.
    """
    made = [make(number) for number in range(count)]
    if again:
        return lambda number: made[number % count]
    return lambda number: made[number] if number < count else make(number)


def measure(url: str, make: Request, *, connections: int, seconds: float) -> Load:
    """Send requests over so many connections for so long, one at a time on each."""
    host, port = url.removeprefix("http://").split(":")
    took: list[float] = []
    counter = itertools.count()
    start = time.perf_counter()
    stop = start + seconds
    with select.epoll() as ready:
        clients = {}
        for _ in range(connections):
            client = _Client(socket.create_connection((host, int(port))), make, counter, took)
            clients[client.socket.fileno()] = client
            ready.register(client.socket, select.EPOLLIN)
            client.send()
        while clients:
            for place, _ in ready.poll():
                if clients[place].receive() and not clients[place].send(stop):
                    clients.pop(place).socket.close()
    elapsed = time.perf_counter() - start
    milliseconds = np.array(took) * 1000
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return Load(len(took), len(took) / elapsed, float(p50), float(p99), float(milliseconds.max()))


def median_load(loads: Sequence[Load]) -> Load:
    """The median of each figure."""
    return Load(*(statistics.median(getattr(load, name) for load in loads) for name in Load.__struct_fields__))


class _Client:
    """One connection: a request, its whole reply, the next request."""

    def __init__(self, connected: socket.socket, make: Request, counter: Iterator[int], took: list[float]) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self.make = make
        self.counter = counter
        self.took = took
        self.buffer = b""

    def send(self, stop: float = math.inf) -> bool:
        """Send the next request; False if the time is up."""
        content = self.make(next(self.counter))
        self.sent = time.perf_counter()
        if self.sent >= stop:
            return False
        self.socket.sendall(content)
        return True

    def receive(self) -> bool:
        """Take in what has come; True once that is a whole reply."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self.buffer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.buffer[:500].decode())
        place = self.buffer.index(b"content-length:", 0, end) + 15
        if len(self.buffer) < end + 4 + int(self.buffer[place : self.buffer.index(b"\r\n", place)]):
            return False
        self.took.append(time.perf_counter() - self.sent)
        self.buffer = b""
        return True
