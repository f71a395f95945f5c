"""Requests that end before there is a request: heads without end, and bytes that are no HTTP.

uvicorn on its own answers the latter in a shape of its own, without a request id and out of turn, and takes the former
for as long as they come, which costs the square of their length.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from regulars.domain.limits import LARGEST_HEAD

REFUSED: Final = "http.refused"
"""The type of the ASGI scope that asks the application for the answer to such a request. `code` says what is wrong."""

_LINGER_SECONDS: Final = 1.0
"""How long what still comes is thrown away: to close at once would take the answer from whoever is still sending."""


class ErrorProtocol(HttpToolsProtocol):
    """A connection on which every request gets an answer of the application, which says `Connection: close` if it
    could not be read."""

    _silent = 0
    """Bytes received since the last that were good for something: a complete head, or a part of a body. All of them
    are of a head, of a chunk's line or of trailers, and the parser keeps them all."""

    _refused = False
    _code = "malformed"

    def data_received(self, data: bytes) -> None:
        """Take what has come, if it is still of interest."""
        if self._refused:
            return
        self._silent += len(data)
        super().data_received(data)
        if self._silent > LARGEST_HEAD and not self._refused:
            self._code = "head_too_large"
            self.send_400_response("The head of a request is too large.")

    def on_headers_complete(self) -> None:
        """Begin a request."""
        # Only where what came is larger is it worth while to measure the head in it.
        if self._silent > LARGEST_HEAD and self._head_size() > LARGEST_HEAD:
            self._code = "head_too_large"
            raise ValueError(self._code)  # the parser stops, and `data_received` of uvicorn sends a 400
        self._silent = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a request's body."""
        self._silent = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Let the application say what is wrong, after the answers to the requests before, and close."""
        self._refused = True
        before: RequestResponseCycle | None = self.cycle
        if self.scope is None or (before is not None and before.scope is self.scope and not before.more_body):
            self.on_message_begin()  # the parser did not come as far
        in_turn = before is None or before.response_complete
        if before is not None and before.scope is self.scope:
            # The body is broken, of a request that is known already: answered, being answered, or waiting for it.
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
            "code": self._code,
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

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)


class _Lingering:
    """A transport of which `close` closes our half at once, and the other half soon."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport: Any = transport
        self._loop = loop

    def close(self) -> None:
        """Send what is kept, and that there is no more."""
        if self._transport.is_closing():
            return
        self._transport.flush()
        self._transport.write_eof()
        self._loop.call_later(_LINGER_SECONDS, self._transport.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
