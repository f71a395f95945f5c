"""A server that ends without anybody noticing: whoever has connected is answered, and told not to ask again here.

uvicorn on its own drops connections that wait to be accepted, and those whose request is on its way.
"""

import asyncio
import socket
from functools import partial
from typing import Final

from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from regulars.cli.corking import CorkedTransport

LINGER_SECONDS: Final = 1.0
"""How long a connection without a request is kept at the end: what its client sent by then is answered."""


class DrainingProtocol(HttpToolsProtocol):
    """A connection that ends, once the server does, with an answer that says `Connection: close`, or in silence."""

    _draining = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, with a transport that gathers what is written."""
        super().connection_made(CorkedTransport(transport, self.loop))  # type: ignore[arg-type]

    def shutdown(self) -> None:
        """Begin to end."""
        self._draining = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False
        self.loop.call_later(LINGER_SECONDS, self._end)

    def on_headers_complete(self) -> None:
        """Begin a request, the last one if the server is ending."""
        super().on_headers_complete()
        if self._draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def _end(self) -> None:
        super().shutdown()


class DrainingServer(Server):
    """uvicorn's server, which also takes in whoever has connected before it closes its door."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what runs, then end."""
        waiting = [connection for listener in sockets or () for connection in _accepted(listener)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        protocol = partial(
            DrainingProtocol, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        for connection in waiting:
            await loop.connect_accepted_socket(protocol, connection)
        await super().shutdown(sockets)


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """The connections that wait in the backlog."""
    found: list[socket.socket] = []
    listener.setblocking(False)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return found
        connection.setblocking(False)
        found.append(connection)
