"""The HTTP server, in one process or in several that share a socket."""

import os
import socket
from collections.abc import Callable
from typing import Final

from regulars import rate_counters
from regulars.metrics import sharing as metrics
from regulars.server.connections import ConnectionLimits
from regulars.server.draining import DrainingProtocol, DrainingServer, DrainingWorkers, ServerConfig
from regulars.settings import Settings

APPLICATION: Final = "regulars.app:create_app_from_environment"
_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 30
_SILENT_SECONDS: Final = 20
"""How long a worker may be unresponsive before it is replaced; starting on a busy machine takes some time."""


class StartError(Exception):
    """The server cannot start; the message gives the reason in one sentence."""


def run(settings: Settings, on_listening: Callable[[str], None], application: str = APPLICATION) -> None:
    """Serve until a signal arrives; the database must exist. on_listening: called with the server's URL.

    Raises StartError if the address is not available or the application does not start.
    """
    # The processes of the server read their settings from the environment.
    os.environ.update(settings.environment())
    config = ServerConfig(
        application,
        limits=ConnectionLimits.of(settings),
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=DrainingProtocol,
        ws="none",
        lifespan="on",
        # uvicorn's own log lines at "info" would duplicate ours.
        log_level="warning" if settings.log_level == "info" else settings.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    with _listen(settings.host, settings.port) as listener:
        on_listening(_url(listener))
        if settings.workers > 1:
            with rate_counters.shared_file(), metrics.shared_folder():
                workers = DrainingWorkers(config, [listener])
                workers.run()
            if workers.has_failed:
                raise StartError("the server did not start")
            return
        server = DrainingServer(config)
        server.run(sockets=[listener])
        if not server.started:
            raise StartError("the server did not start")


def check_address(host: str, port: int) -> None:
    """Check early whether it is possible to listen on the address. Raises StartError."""
    _listen(host, port).close()


def _listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; connections wait in its backlog until the application is ready. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
