"""Connections that wait for their client do so for a limited time, and a process holds a limited number of them.

uvicorn sets a timer for each kept connection at each request, and none for a head or body that never ends. Here a
connection notes when its time is up, and one look a second ends those whose time is up.
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
"""A body gets its time anew for each so many bytes."""

HALF_CLOSED_SECONDS: Final = 2.0
"""How long a question runs whose client has shut its sending side. Whoever has left altogether looks the same."""

_RESERVED: Final = 128
"""Descriptors that are kept for databases, files and connections that are being closed."""

_NEVER: Final = math.inf
_SAFE: Final = frozenset({"GET", "HEAD"})


class ConnectionLimits(Struct, frozen=True):
    """Times in seconds, and how many connections a process holds."""

    head: float
    body: float
    send: float
    keep_alive: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """The limits that the settings give; raises the process's soft limit of descriptors to what it may have."""
        return cls(
            head=settings.head_timeout,
            body=settings.body_timeout,
            send=settings.send_timeout,
            keep_alive=settings.keep_alive_timeout,
            connections=settings.connections_limit or default_connections(descriptors(), settings.database_connections),
        )


def descriptors() -> int:
    """How many files and sockets this process may have open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = 2**20 if hard == resource.RLIM_INFINITY else min(hard, 2**20)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def default_connections(allowed: int, database_connections: int) -> int:
    """The bound on connections where none is set: what the descriptors leave, but at least half of them."""
    return max(allowed - _RESERVED - database_connections, allowed // 2)


class Connections(ServerState):
    """The connections of a process."""

    def __init__(self, limits: ConnectionLimits) -> None:
        super().__init__()
        self.limits = limits
        self.idle: dict[TimedProtocol, None] = {}
        """Those without a request, the one that has been so for longest first."""

    def sweep(self, now: float) -> None:
        """End those whose time is up; `now` is the loop's time."""
        for connection in [each for each in self._all() if each.deadline < now]:
            connection.expire(now)

    def make_room(self) -> bool:
        """Whether there is room for another: the longest idle goes, then whoever has been sending for longest."""
        if len(self.connections) <= self.limits.connections:
            return True
        longest = next(iter(self.idle), None)
        if longest is not None:
            longest.leave()
            return True
        # Some at a time: to look through all of them for each that comes would take longer than they take to come.
        receiving = [each for each in self._all() if each.is_receiving]
        for each in heapq.nsmallest(len(receiving) // 64 + 1, receiving, key=lambda each: each.deadline):
            each.leave()
        return bool(receiving)

    def _all(self) -> "list[TimedProtocol]":
        return list(self.connections)  # type: ignore[arg-type]


class TimedProtocol(ErrorProtocol):
    """A connection that is given up when its client takes too long, and that answers a client who sends no more."""

    server_state: Connections
    deadline = _NEVER
    """The loop's time at which patience with the client ends."""

    is_receiving = False
    """Whether a part of a request has come, and the rest has not."""

    _in_head = False
    _received = 0
    _unsent = 0
    _has_ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        super().connection_made(BufferedTransport(transport, self.loop))  # type: ignore[arg-type]
        if not self.server_state.make_room():
            self.leave()
            return
        self.server_state.idle[self] = None
        self._wait(self.server_state.limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.server_state.idle.pop(self, None)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self.server_state.idle.pop(self, None)
        self.is_receiving = self._in_head = True
        self._wait(self.server_state.limits.head)

    def on_headers_complete(self) -> None:
        """A body begins, be it empty."""
        super().on_headers_complete()
        self._in_head = False
        self._received = 0
        self._wait(self.server_state.limits.body)

    def on_body(self, body: bytes) -> None:
        """A part of a body has come."""
        super().on_body(body)
        self._received += len(body)
        if self._received >= BODY_STEP:
            self._received = 0
            self._wait(self.server_state.limits.body)

    def on_message_complete(self) -> None:
        """A request has come in whole."""
        super().on_message_complete()
        self.is_receiving = False
        self.deadline = _NEVER
        if self.cycle is not None and self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        """An answer has been given: the next request's turn. In place of uvicorn's, which sets a timer."""
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
        """The client does not take what it is sent."""
        super().pause_writing()
        if not self.is_receiving:
            self._wait(self.server_state.limits.send)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete and not self.is_receiving:
            self.deadline = _NEVER

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what has come in whole: the client may have shut its sending side only."""
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
        """Give the client up, unless it has taken something of its answer meanwhile."""
        unsent: int = self.transport.get_write_buffer_size()
        before, self._unsent = self._unsent, unsent
        if unsent and (not before or unsent < before):
            self.deadline = now + self.server_state.limits.send
        elif unsent or self.transport.is_closing():
            self.leave()
        elif self.is_receiving and self.flow.read_paused:
            self.deadline = now + self.server_state.limits.body  # it is we who do not read
        elif self.is_receiving:
            self.is_receiving = False
            self._wait(self.server_state.limits.send)
            self.refuse("head_timeout" if self._in_head else "body_timeout")
        else:
            self.transport.close()
            self._wait(self.server_state.limits.send)

    def leave(self) -> None:
        """Close at once; whoever counts connections counts this one no more."""
        self.server_state.idle.pop(self, None)
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds

    def _rest(self) -> None:
        self.server_state.idle[self] = None
        self._wait(self.server_state.limits.keep_alive)

    def _presume_left(self) -> None:
        """End the question of a client that may have left; what changes something is carried out, and answered."""
        cycle: Any = self.cycle
        if self.transport.is_closing() or cycle.response_complete:
            return
        if not self.pipeline and cycle.scope["method"] in _SAFE and not cycle.response_started:
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.close()
            self._wait(self.server_state.limits.send)
