"""Malformed HTTP and oversized headers get the standard error format.

Plain uvicorn answers malformed HTTP in its own format, without a request id and out of order. It also reads a head of
any length, at a cost quadratic in the length.
"""

import asyncio
import time
from typing import Any, Final

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from regulars.server.parsing import ParsingProtocol

LARGEST_HEAD: Final = 64 * 1024
"""Limit in bytes on the request line plus headers, and on the trailers after the body."""

REFUSED: Final = "http.refused"
"""The ASGI scope type that asks the application for the response to such a request; the scope's `code` and `detail`
describe the error."""

_PROBLEMS: Final = {
    "malformed": ("malformed", "The request is not valid HTTP."),
    "host": ("malformed", "A request must have exactly one Host header."),
    "http_version": ("http_version", "The server speaks HTTP/1.0 and HTTP/1.1."),
    "head_too_large": (
        "head_too_large",
        f"The request line and headers may have at most {LARGEST_HEAD} bytes.",
    ),
    "head_timeout": ("timeout", "The request line and headers did not arrive in time."),
    "body_timeout": ("timeout", "The body of the request did not arrive in time."),
}
"""Error code and message for a request that could not be read, by reason."""

_QUIET_SECONDS: Final = 10.0
"""Malformed requests are logged at most once per this many seconds, with their count."""

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_log = structlog.get_logger("regulars.serve")

_LINGER_SECONDS: Final = 1.0
"""How long to discard further input before closing: an immediate close could lose the response to a sending client."""


class ErrorProtocol(ParsingProtocol):
    """A connection on which every request gets a response from the application, with `Connection: close` if it could
    not be read."""

    _silent = 0
    """Bytes received since the last complete head or body data. They all belong to a head, a chunk line or trailers,
    which the parser buffers."""

    _refused = False
    _reason = "malformed"

    def data_received(self, data: bytes) -> None:
        """Parse received data, unless the connection has already been refused."""
        if self._refused:
            return
        self._silent += len(data)
        try:
            self.feed(data)
        except httptools.HttpParserError as error:
            if str(error) == "Invalid HTTP version":
                self._reason = "http_version"
            self.refuse(self._reason)
        else:
            if self._silent > LARGEST_HEAD:
                self.refuse("head_too_large")

    def on_headers_complete(self) -> None:
        """Begin a request."""
        # Measure the head only if the received data exceeds the limit.
        if self._silent > LARGEST_HEAD and self._head_size() > LARGEST_HEAD:
            self._stop("head_too_large")
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            self._stop("http_version")
        hosts = [name for name, _ in self.headers if name == b"host"]
        if len(hosts) != 1 and (hosts or version == "1.1"):
            self._stop("host")
        self._silent = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has arrived."""
        self._silent = 0
        super().on_body(body)

    def refuse(self, reason: str) -> None:
        """Have the application report the error after the responses to earlier requests, then close."""
        if self._refused:
            return
        _noise.heard(reason)
        self._reason = reason
        self._refused = True
        before: RequestResponseCycle | None = self.cycle
        if self.scope is None or (before is not None and before.scope is self.scope and not before.more_body):
            self.on_message_begin()  # the parser did not get that far
        in_turn = before is None or before.response_complete
        if before is not None and before.scope is self.scope:
            # The body is broken, of a request already known: answered, being answered, or waiting for its turn.
            if before.response_complete:
                self.transport.close()
            if before.response_started:
                before.keep_alive = False
                return
            before.disconnected = True
            before.message_event.set()
            in_turn = not self.pipeline
            if self.pipeline:
                self.pipeline.popleft()
        self.cycle = self._refusal()
        if in_turn:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.pipeline.appendleft((self.cycle, self.app))

    def _refusal(self) -> RequestResponseCycle:
        path = self.url.partition(b"?")[0]
        scope: Any = {
            "method": "GET",
            "query_string": b"",
            **self.scope,
            "type": REFUSED,
            "code": _PROBLEMS[self._reason][0],
            "detail": _PROBLEMS[self._reason][1],
            "path": path.decode("ascii", "replace"),
            "raw_path": path,
        }
        return RequestResponseCycle(
            scope=scope,
            transport=_Lingering(self.transport, self.loop),  # type: ignore[arg-type]
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )

    def _stop(self, reason: str) -> None:
        """Stop the parser: an exception in a callback becomes an HttpParserError in `feed`."""
        self._reason = reason
        raise ValueError(reason)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)


class _Lingering:
    """A transport whose `close` closes our sending side immediately and the rest shortly after."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport: Any = transport
        self._loop = loop

    def close(self) -> None:
        """Flush buffered data, send EOF, and close after a delay."""
        if self._transport.is_closing():
            return
        self._transport.flush()
        self._transport.write_eof()
        self._loop.call_later(_LINGER_SECONDS, self._transport.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Noise:
    """Rate-limited logging of malformed requests, as anyone can send an endless number of them."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet_until = 0.0

    def heard(self, reason: str) -> None:
        """Count a request that could not be read, and log it unless a line was logged recently."""
        self._count += 1
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_SECONDS
            _log.warning("requests could not be read", count=self._count, last=reason)
            self._count = 0


_noise = _Noise()
