"""Graceful shutdown: all connected clients are answered, with `Connection: close`.

Plain uvicorn drops connections that wait to be accepted, and those whose request is still in transit.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import structlog
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from regulars.server.connections import ConnectionLimits, Connections, TimedProtocol

LINGER_SECONDS: Final = 1.0
"""How long an idle connection stays open during shutdown; requests that arrive by then are answered."""


RETRY_SECONDS: Final = 1.0
"""Delay before restarting a worker that failed to start."""

_LOOK_SECONDS: Final = 0.2

_log = structlog.get_logger("regulars.serve")


class DrainingProtocol(TimedProtocol):
    """A connection that closes during shutdown: after a response with `Connection: close`, or silently if idle."""

    _draining = False

    def shutdown(self) -> None:
        """Begin to shut down."""
        self._draining = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False
        self.loop.call_later(LINGER_SECONDS, self._end)

    def on_headers_complete(self) -> None:
        """Begin a request; during shutdown it is the connection's last."""
        super().on_headers_complete()
        if self._draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def _end(self) -> None:
        super().shutdown()


class ServerConfig(Config):
    """uvicorn's configuration plus connection limits."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = limits

    def load(self) -> None:
        """Import the application without collecting garbage, as all that an import makes stays.

        The application turns the collector on again when it starts (`settle_garbage_collection`).
        """
        gc.disable()
        super().load()


class DrainingServer(Server):
    """uvicorn's server, which also accepts the connections in the backlog before it closes its socket."""

    config: ServerConfig

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.server_state = self._connections = Connections(config.limits)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; sweeps expired connections once a second."""
        if counter % 10 == 0:
            self._connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving. SIGTERM requests a normal exit, so it is not re-raised at the end."""
        with super().capture_signals():
            yield
            self._captured_signals[:] = [each for each in self._captured_signals if each != signal.SIGTERM]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept waiting connections, finish running requests, then stop."""
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


class DrainingWorker(multiprocess.Process):
    """A worker process with the same graceful shutdown as a single server."""

    @property
    def server(self) -> Server:
        """The server that runs in the process."""
        if self._server is None:
            assert isinstance(self.config, ServerConfig)
            self._server = DrainingServer(self.config)
        return self._server


class DrainingWorkers(multiprocess.Multiprocess):
    """Several processes that share a listening socket; the last one to close it accepts the waiting connections."""

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        # uvicorn creates its workers, at startup and as replacements, from the class bound to this name.
        multiprocess.Process = DrainingWorker  # type: ignore[misc]
        super().__init__(config, sockets)
        self.has_started = False
        self.has_failed = False

    def keep_subprocess_alive(self) -> None:
        """Replace every worker that has died or does not respond.

        If no worker has ever started, a failure to start stops the server. Later failures are retried, unlike in plain
        uvicorn: the database may be unavailable for a while, and other workers may still be serving.
        """
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            started = self._started(worker)
            self.has_started |= started is True
            if started is not None:
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE and not self.has_started:
                self.has_failed = True
                self.should_exit.set()
                return
            if worker.exitcode == STARTUP_FAILURE:
                time.sleep(RETRY_SECONDS)
            _log.warning("a worker ended and is being replaced", worker=worker.pid, exit_code=worker.exitcode)
            self.processes[place] = multiprocess.Process(self.config, self.sockets)
            self.processes[place].start()

    def _started(self, worker: multiprocess.Process) -> bool | None:
        """Whether a worker's server has started; None if the worker is dead or does not respond."""
        until = time.monotonic() + self.config.timeout_worker_healthcheck
        while worker.process.is_alive() and time.monotonic() < until:
            if worker.ping(_LOOK_SECONDS):  # its death would not wake us, as we hold both ends of its pipe
                return worker.is_ready(self.config.timeout_worker_healthcheck)
        return None

    def terminate_all(self) -> None:
        """Stop the workers. Our own handle would keep the socket open with nobody accepting, so close it first."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """Accept all connections waiting in the backlog."""
    found: list[socket.socket] = []
    listener.setblocking(False)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return found
        connection.setblocking(False)
        found.append(connection)
