"""A server that ends without anybody noticing: whoever has connected is answered, and told not to ask again here.

uvicorn on its own drops connections that wait to be accepted, and those whose request is on its way.
"""

import asyncio
import contextlib
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
"""How long a connection without a request is kept at the end: what its client sent by then is answered."""


RETRY_SECONDS: Final = 1.0
"""How long after a worker could not start it is tried again."""

_LOOK_SECONDS: Final = 0.2

_log = structlog.get_logger("regulars.serve")


class DrainingProtocol(TimedProtocol):
    """A connection that ends, once the server does, with an answer that says `Connection: close`, or in silence."""

    _draining = False

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


class ServerConfig(Config):
    """uvicorn's configuration, with the limits of connections."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = limits


class DrainingServer(Server):
    """uvicorn's server, which also takes in whoever has connected before it closes its door."""

    config: ServerConfig

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.server_state = self._connections = Connections(config.limits)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: look once a second for connections whose time is up."""
        if counter % 10 == 0:
            self._connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving. To end at SIGTERM is what was asked for: it is not raised again at the end."""
        with super().capture_signals():
            yield
            self._captured_signals[:] = [each for each in self._captured_signals if each != signal.SIGTERM]

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


class DrainingWorker(multiprocess.Process):
    """A worker process that ends as a server alone does."""

    @property
    def server(self) -> Server:
        """What runs in the process."""
        if self._server is None:
            assert isinstance(self.config, ServerConfig)
            self._server = DrainingServer(self.config)
        return self._server


class DrainingWorkers(multiprocess.Multiprocess):
    """Several processes that share a door. It is closed by the last of them, which takes in who has connected."""

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        # uvicorn makes its workers of the class that this name stands for, at the start and when one has died.
        multiprocess.Process = DrainingWorker  # type: ignore[misc]
        super().__init__(config, sockets)
        self.has_started = False
        self.has_failed = False

    def keep_subprocess_alive(self) -> None:
        """Put a new worker in the place of each that has died or does not answer.

        Where none has ever started, one that cannot ends the server. Later on it is tried again, as uvicorn does not:
        what it needs, the database, may be away for a while, and the others answer meanwhile.
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
            _log.warning("a worker ended and is replaced", worker=worker.pid, exit_code=worker.exitcode)
            self.processes[place] = multiprocess.Process(self.config, self.sockets)
            self.processes[place].start()

    def _started(self, worker: multiprocess.Process) -> bool | None:
        """Whether a worker's server has started; None if the worker is dead or does not answer."""
        until = time.monotonic() + self.config.timeout_worker_healthcheck
        while worker.process.is_alive() and time.monotonic() < until:
            if worker.ping(_LOOK_SECONDS):  # its end would not wake us: we hold both ends of its pipe
                return worker.is_ready(self.config.timeout_worker_healthcheck)
        return None

    def terminate_all(self) -> None:
        """End the workers. Our own handle on the door would keep it open, with nobody behind it."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


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
