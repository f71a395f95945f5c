"""`regulars serve`: runs the HTTP server."""

import asyncio
import os
import re
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Annotated, Final

import typer

from regulars.cli.options import NEAREST, Database
from regulars.cli.output import FailedError, note
from regulars.cli.session import require_database
from regulars.server.running import APPLICATION, StartError, check_address, run
from regulars.settings import PREFIX, SETTINGS, Setting, SettingError, Settings, unknown_variables

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

    The server is ready when GET /readyz returns 200. On SIGTERM or Ctrl-C it accepts no more requests, finishes the
    current ones and exits.

    \b
    Examples:
      regulars serve
      regulars serve --host 0.0.0.0 --port 80 --workers 4
    """
    settings = settings_with(host=host, port=port, workers=workers, database=database)
    require_address(settings)
    asyncio.run(require_database(settings.database))
    run_server(settings)


def settings_with(**given: str | int | None) -> Settings:
    """The settings of the environment, overridden by the given options. Raises SettingError."""
    texts = {_BY_NAME[name].variable: str(value) for name, value in given.items() if value is not None}
    try:
        settings = Settings.from_environment({**os.environ, **texts})
    except SettingError as error:
        sentence = str(error)
        for variable in texts:
            sentence = re.sub(rf"\b{variable}\b", "--" + variable.removeprefix(PREFIX).lower(), sentence)
        raise SettingError(sentence) from None
    _require_snapshot_folder(settings)
    for sentence in unknown_variables():
        note(f"regulars: {sentence}")
    return settings


def _require_snapshot_folder(settings: Settings) -> None:
    """Raise SettingError if the snapshot folder cannot be written to."""
    folder = settings.snapshots if settings.snapshot_folder else None
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingError(
            f"{PREFIX}SNAPSHOT_FOLDER must be a folder that can be written to, not {settings.snapshot_folder!r}: "
            f"{error.strerror}"
        ) from error


def require_address(settings: Settings) -> None:
    """Raise FailedError at once if the server cannot listen on the address."""
    try:
        check_address(settings.host, settings.port)
    except StartError as error:
        raise FailedError(str(error)) from error


def run_server(
    settings: Settings, *, on_listening: Callable[[str], None] | None = None, application: str = APPLICATION
) -> None:
    """Serve until a signal arrives. The database must exist. `on_listening` is called with the server's URL.

    Raises FailedError if the address is in use or the application does not start.
    """

    def listening(url: str) -> None:
        note(f"listening on {url}")
        if on_listening is not None:
            on_listening(url)

    try:
        run(settings, listening, application)
    except StartError as error:
        raise FailedError(str(error)) from error
