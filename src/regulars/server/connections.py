"""Timeouts for slow clients, and a limit on connections per process.

uvicorn sets a timer per request for each keep-alive connection, and none for a head or body that never ends. Here each
connection records its deadline, and a sweep once a second closes those that have passed it.
"""

import asyncio
import heapq
import math
import resource
from typing import Any, Final

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from regulars.server.protocol_errors import ErrorProtocol
from regulars.server.write_buffering import BufferedTransport
from regulars.settings import Settings

BODY_STEP: Final = 64 * 1024
"""The body timeout restarts each time this many bytes have arrived."""

HALF_CLOSED_SECONDS: Final = 2.0
"""How long a read request keeps running after the client has closed its sending side, which may mean it has gone."""

_RESERVED: Final = 128
"""File descriptors reserved for databases, files and connections being closed."""

_NEVER: Final = math.inf
_SAFE: Final = frozenset({"GET", "HEAD"})


class ConnectionLimits(Struct, frozen=True):
    """Timeouts in seconds, and the maximum number of connections per process."""

    head: float
    body: float
    send: float
    keep_alive: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """The limits from the settings; also raises the process's soft limit on file descriptors as far as allowed."""
        return cls(
            head=settings.head_timeout,
            body=settings.body_timeout,
            send=settings.send_timeout,
            keep_alive=settings.keep_alive_timeout,
            connections=settings.connections_limit or default_connections(descriptors(), settings.database_connections),
        )


def descriptors() -> int:
    """Raise the soft limit on open files and sockets as far as allowed, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = 2**20 if hard == resource.RLIM_INFINITY else min(hard, 2**20)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def default_connections(allowed: int, database_connections: int) -> int:
    """The default connection limit: the descriptors not reserved, but at least half of all."""
    return max(allowed - _RESERVED - database_connections, allowed // 2)


class Connections(ServerState):
    """The connections of a process."""

    def __init__(self, limits: ConnectionLimits) -> None:
        super().__init__()
        self.limits = limits
        self.idle: dict[TimedProtocol, None] = {}
        """Connections without a request, longest idle first."""

    def sweep(self, now: float) -> None:
        """Expire connections past their deadline; `now` is the loop's time."""
        for connection in [each for each in self._all() if each.deadline < now]:
            connection.expire(now)

    def make_room(self) -> bool:
        """Make room for another connection: close the longest idle, else the slowest senders. False if impossible."""
        if len(self.connections) <= self.limits.connections:
            return True
        longest = next(iter(self.idle), None)
        if longest is not None:
            longest.leave()
            return True
        # Close several at a time: searching all of them for each new connection could not keep up.
        receiving = [each for each in self._all() if each.is_receiving]
        for each in heapq.nsmallest(len(receiving) // 64 + 1, receiving, key=lambda each: each.deadline):
            each.leave()
        return bool(receiving)

    def _all(self) -> "list[TimedProtocol]":
        return list(self.connections)  # type: ignore[arg-type]


class TimedProtocol(ErrorProtocol):
    """A connection that is closed if its client is too slow, and that still answers a half-closed client."""

    server_state: Connections
    deadline = _NEVER
    """The loop's time at which the connection expires."""

    is_receiving = False
    """Whether a request has arrived only partly."""

    _in_head = False
    _received = 0
    _unsent = 0
    _has_ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection, if there is room."""
        super().connection_made(BufferedTransport(transport, self.loop))  # type: ignore[arg-type]
        if not self.server_state.make_room():
            self.leave()
            return
        self.server_state.idle[self] = None
        self._wait(self.server_state.limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        self.server_state.idle.pop(self, None)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        self.server_state.idle.pop(self, None)
        self.is_receiving = self._in_head = True
        self._wait(self.server_state.limits.head)

    def on_headers_complete(self) -> None:
        """The body begins, even if it is empty."""
        super().on_headers_complete()
        self._in_head = False
        self._received = 0
        self._wait(self.server_state.limits.body)

    def on_body(self, body: bytes) -> None:
        """A part of the body has arrived."""
        super().on_body(body)
        self._received += len(body)
        if self._received >= BODY_STEP:
            self._received = 0
            self._wait(self.server_state.limits.body)

    def on_message_complete(self) -> None:
        """A request has arrived completely."""
        super().on_message_complete()
        self.is_receiving = False
        self.deadline = _NEVER
        if self.cycle is not None and self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        """A response is complete: start the next request. Replaces uvicorn's method, which sets a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._wait(self.server_state.limits.send)
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._has_ended:
            self.transport.close()
            self._wait(self.server_state.limits.send)
        elif not self.is_receiving:
            self._rest()

    def pause_writing(self) -> None:
        """The client is not reading the response."""
        super().pause_writing()
        if not self.is_receiving:
            self._wait(self.server_state.limits.send)

    def resume_writing(self) -> None:
        """The client has read most of the pending data."""
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete and not self.is_receiving:
            self.deadline = _NEVER

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer complete requests: the client may have closed only its sending side."""
        if self._has_ended:
            return True
        self._has_ended = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline:
                self.pipeline.popleft()
                return True
            cycle = None
        if cycle is None or cycle.response_complete:
            self.transport.close()
            self._wait(self.server_state.limits.send)
            return True
        if not cycle.response_started:
            cycle.keep_alive = False
        self.loop.call_later(HALF_CLOSED_SECONDS, self._presume_left)
        return True

    def expire(self, now: float) -> None:
        """Close the connection, unless the client has read part of its response since the last check."""
        unsent: int = self.transport.get_write_buffer_size()
        before, self._unsent = self._unsent, unsent
        if unsent and (not before or unsent < before):
            self.deadline = now + self.server_state.limits.send
        elif unsent or self.transport.is_closing():
            self.leave()
        elif self.is_receiving and self.flow.read_paused:
            self.deadline = now + self.server_state.limits.body  # reading is paused on our side
        elif self.is_receiving:
            self.is_receiving = False
            self._wait(self.server_state.limits.send)
            self.refuse("head_timeout" if self._in_head else "body_timeout")
        else:
            self.transport.close()
            self._wait(self.server_state.limits.send)

    def leave(self) -> None:
        """Abort the connection and stop counting it immediately."""
        self.server_state.idle.pop(self, None)
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds

    def _rest(self) -> None:
        self.server_state.idle[self] = None
        self._wait(self.server_state.limits.keep_alive)

    def _presume_left(self) -> None:
        """Cancel the read request of a client that may have gone; writes are completed and answered."""
        cycle: Any = self.cycle
        if self.transport.is_closing() or cycle.response_complete:
            return
        if not self.pipeline and cycle.scope["method"] in _SAFE and not cycle.response_started:
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.close()
            self._wait(self.server_state.limits.send)
