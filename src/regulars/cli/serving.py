"""`regulars serve`: the HTTP server, in one process or in several that share a socket."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Annotated, Final

import typer
import uvicorn

from regulars.cli.draining import DrainingProtocol, DrainingServer, DrainingWorkers
from regulars.cli.options import NEAREST, Database
from regulars.cli.output import FailedError, note
from regulars.cli.session import require_database
from regulars.settings import SETTINGS, Setting, Settings

APPLICATION: Final = "regulars.app:create_app_from_environment"
_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 30
_SILENT_SECONDS: Final = 20
"""How long a worker may not answer before it is replaced; one that starts on a busy machine takes some."""
_BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


def _describe(setting: Setting) -> str:
    default = setting.text(setting.default) or "none"
    return f"  {setting.variable}\n    {setting.meaning}\n    {setting.allowed}; default: {default}"


SETTINGS_HELP: Final = "\n".join(("\b", "Settings from the environment:", *map(_describe, SETTINGS)))


def _help(name: str) -> str:
    setting = _BY_NAME[name]
    meaning = setting.meaning[0].upper() + setting.meaning[1:]
    return f"{meaning}.  [env: {setting.variable}; default: {setting.default}]"


Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help=_help("host"))]
Port = Annotated[int | None, typer.Option(metavar="PORT", help=_help("port"))]
Workers = Annotated[int | None, typer.Option(metavar="N", help=_help("workers"))]


def serve(host: Host = None, port: Port = None, workers: Workers = None, database: Database = NEAREST) -> None:  # type: ignore[assignment]
    """Serve the API over HTTP.

    It is ready when GET /healthz answers 200. On SIGTERM or Ctrl-C it takes no more requests, finishes those it has,
    and ends.

    \b
    Examples:
      regulars serve
      regulars serve --host 0.0.0.0 --port 80 --workers 4
    """
    settings = settings_with(host=host, port=port, workers=workers, database=database)
    asyncio.run(require_database(settings.database))
    run_server(settings)


def settings_with(**given: str | int | None) -> Settings:
    """The settings of the environment, but for those options that are given. Raises SettingError."""
    texts = {_BY_NAME[name].variable: str(value) for name, value in given.items() if value is not None}
    return Settings.from_environment({**os.environ, **texts})


def run_server(
    settings: Settings, *, on_listening: Callable[[str], None] | None = None, application: str = APPLICATION
) -> None:
    """Serve until a signal comes; the database must exist. `on_listening` is told the server's URL.

    Raises FailedError when the address cannot be had or the application does not start.
    """
    # The processes of the server read their settings from the environment.
    os.environ.update(settings.environment())
    config = uvicorn.Config(
        application,
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=DrainingProtocol,
        ws="none",
        lifespan="on",
        # uvicorn's own lines at "info" repeat what is said here.
        log_level="warning" if settings.log_level == "info" else settings.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    with _listen(settings.host, settings.port) as listener:
        url = _url(listener)
        note(f"listening on {url}")
        if on_listening is not None:
            on_listening(url)
        if settings.workers > 1:
            workers = DrainingWorkers(config, [listener])
            workers.run()
            if workers.has_failed:
                raise FailedError("the server did not start")
            return
        server = DrainingServer(config)
        server.run(sockets=[listener])
        if not server.started:
            raise FailedError("the server did not start")


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, which wait until the application is ready. Raises FailedError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise FailedError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
