"""The PostgreSQL engine: commits of one site are serialised; different sites commit in parallel.

The site's row in `site_heads` is the lock, so READ COMMITTED is enough for the ledger: later statements see everything
committed before the lock was acquired. Reads use REPEATABLE READ snapshots. Durability is up to the server: a commit is
acknowledged according to the server's `synchronous_commit`, which is never lowered here.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, Error, ProgrammingError
from psycopg.conninfo import make_conninfo

from regulars.store.engine import (
    NewIndex,
    UnavailableError,
    WriteConnection,
)
from regulars.store.postgresql.connection import READ, WRITE, PostgresqlConnection
from regulars.store.postgresql.plans import CITUS, CITUS_PLANS, PLANS
from regulars.store.postgresql.pool import ConnectionPool
from regulars.store.postgresql.session import Session
from regulars.store.statement import Sql

CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 30
LOCK_SECONDS: Final = 10
_POOL_SECONDS: Final = 5

_KEEPALIVES: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}

_SET: Final = Sql("SELECT set_config($1, $2, false)", (), {})
_ENCODING: Final = Sql("SELECT current_setting('server_encoding')", (), {})
_INVALID_INDEXES: Final = Sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid", (), {})
_STATISTICS_OF_EMPTY_TABLES: Final = b"""
SELECT tablename, pg_stats.attname, format_type(atttypid, atttypmod) FROM pg_stats
JOIN pg_class ON relname = tablename AND relnamespace = current_schema()::regnamespace
JOIN pg_attribute ON attrelid = pg_class.oid AND pg_attribute.attname = pg_stats.attname
WHERE schemaname = current_schema() AND tablename = ANY(%s) AND reltuples = 0
"""
"""The columns with statistics that ANALYZE leaves as they are. A new type, even the same, removes them."""

_SIZE: Final = Sql("SELECT pg_database_size(current_database())", (), {})
_SIZES: Final = Sql(
    "SELECT sum(result::bigint)::bigint FROM run_command_on_all_nodes('SELECT pg_database_size(current_database())')",
    (),
    {},
)
_IS_VALID: Final = (
    "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relname = %s AND relnamespace = current_schema()::regnamespace"
)
_BAD_PAGES: Final = Sql(
    "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()", (), {}
)


class PostgresqlEngine:
    """A database on a server. The database must exist; its encoding must be UTF8.

    connections: limit on open connections. lock_seconds, statement_seconds: timeouts on the server.
    """

    dialect = "postgresql"
    one_writer = False
    is_remote = True

    def __init__(
        self,
        url: str,
        *,
        connections: int = 16,
        statement_seconds: float = STATEMENT_SECONDS,
        lock_seconds: float = LOCK_SECONDS,
        pool_seconds: float = _POOL_SECONDS,
    ) -> None:
        self._url = url
        self._connections = connections
        self._pool_seconds = pool_seconds
        self.settings = {
            **PLANS,
            "statement_timeout": f"{statement_seconds * 1000:.0f}",
            "lock_timeout": f"{lock_seconds * 1000:.0f}",
            "client_encoding": "UTF8",
            # If the connection breaks silently, the server releases our locks within half a minute.
            **{f"tcp_{name}": str(value) for name, value in _KEEPALIVES.items()},
        }
        self.patience = statement_seconds + 5
        self._pool: ConnectionPool | None = None
        self.last_wait = 0.0
        self.last_hold = 0.0

    def exists(self) -> bool:
        """Always True: only the server knows, and `open` asks it."""
        return True

    async def open(self) -> None:
        """Open the pool and connect once as a test. Raises UnavailableError."""
        self._pool = ConnectionPool(self._connect, size=self._connections, patience=self._pool_seconds)
        session = await self._pool.take()
        self._pool.give(session)

    async def warm(self) -> None:
        """Nothing: the pool opens connections as they are needed."""

    async def close(self) -> None:
        """Close every connection; running transactions are rolled back by the server."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["PostgresqlConnection"]:
        """A transaction that commits durably at the end of the block, or rolls back if the block raises."""
        connection = PostgresqlConnection(await self.pool.take(), self.pool, WRITE)
        began = time.perf_counter()
        try:
            yield connection
            if connection.discarded:
                connection.abandon()
            else:
                await connection.commit()
        except BaseException:
            connection.abandon()
            raise
        finally:
            connection.release()
            self.last_hold = time.perf_counter() - began

    @asynccontextmanager
    async def migration(self) -> AsyncIterator["PostgresqlConnection"]:
        """A transaction that holds the global migration lock, without timeouts."""
        async with self.transaction() as connection:
            await connection.unhurried()
            yield connection

    async def create_index(self, connection: WriteConnection, index: NewIndex) -> None:
        """Build an index concurrently on a separate connection, as this is not allowed inside a transaction.

        The build waits for all older snapshots to end, so the migration must not hold one.
        """
        assert isinstance(connection, PostgresqlConnection)
        await connection.let_snapshot_go()
        try:
            async with await self._plain_connection() as builder:
                await builder.execute("SET statement_timeout = 0")
                await builder.execute("SET lock_timeout = 0")
                found = await (await builder.execute(_IS_VALID, (index.name,))).fetchone()
                if found == (True,):
                    return
                if found is not None:
                    await builder.execute(f"DROP INDEX CONCURRENTLY {index.name}".encode())
                await builder.execute(index.sql("CONCURRENTLY ").encode())
        except Error as error:
            raise UnavailableError(f"the index {index.name} cannot be built: {' '.join(str(error).split())}") from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["PostgresqlConnection"]:
        """A read transaction. It ends together with its last read, or without waiting for the server."""
        connection = PostgresqlConnection(await self.pool.take(), self.pool, READ)
        try:
            yield connection
        finally:
            connection.abandon()
            connection.release()

    def shared_snapshot(self) -> AbstractAsyncContextManager["PostgresqlConnection"]:
        """A separate read transaction: beginning one costs no round trip, so there is nothing to share."""
        return self.snapshot()

    async def backup(self, path: str) -> None:
        """Not supported: raises UnavailableError, which says how to back up."""
        raise UnavailableError("a PostgreSQL database is backed up with pg_dump, or with `regulars copy` to a file")

    async def vacuum(self, tables: Sequence[str], *, full: bool = False) -> None:
        """Vacuum the tables, one after another; with Citus on all machines. Reads and writes go on unless `full`.

        The statistics of the tables are made anew, as they quote values of rows, and the former ones are vacuumed, too.
        """
        option = "FULL, " if full else ""
        try:
            async with await self._plain_connection() as connection:
                await connection.execute("SET statement_timeout = 0")
                for table in tables:
                    await connection.execute(f"VACUUM ({option}ANALYZE) {table}".encode())
                stale = await (await connection.execute(_STATISTICS_OF_EMPTY_TABLES, (list(tables),))).fetchall()
                for table, column, kind in stale:
                    await connection.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}".encode())
                await connection.execute(f"VACUUM ({option}ANALYZE) pg_statistic".encode())
        except Error as error:
            raise UnavailableError(f"the tables cannot be vacuumed: {' '.join(str(error).split())}") from error

    async def size(self) -> int:
        """The size of the database in bytes; with Citus on all machines."""
        async with self.transaction() as connection:
            statement = _SIZES if await connection.is_distributed() else _SIZE
            (size,) = (await connection.ask(statement))[0][0]
            connection.discard()
        return int(size)

    def check_files(self) -> None:
        """Nothing to do: the server manages its files."""

    async def damage(self) -> list[str]:
        """Indexes that the server marks invalid, and checksum failures that it has counted."""
        async with self.snapshot() as connection:
            invalid, failures = await connection.ask(_INVALID_INDEXES, _BAD_PAGES)
        found = [f"the index {name} is not valid" for (name,) in invalid]
        return found + [f"{count} pages had a wrong checksum" for (count,) in failures if count]

    @property
    def pool(self) -> ConnectionPool:
        """The connections of an open engine. Raises UnavailableError if it is closed."""
        if self._pool is None:
            raise UnavailableError("the database is closed")
        return self._pool

    async def _plain_connection(self) -> AsyncConnection[tuple[Any, ...]]:
        """A new psycopg connection outside the pool."""
        try:
            conninfo = make_conninfo(
                self._url, connect_timeout=CONNECT_SECONDS, application_name="regulars", **_KEEPALIVES
            )
        except ProgrammingError:  # its message would reveal the password
            raise UnavailableError(
                "the database URL is malformed: use postgresql://user:password@host:port/database, and write % as "
                "%25, @ as %40, : as %3A and / as %2F in user and password"
            ) from None
        try:
            return await AsyncConnection.connect(conninfo, autocommit=True)
        except (Error, OSError) as error:
            raise UnavailableError(f"cannot connect to the database: {' '.join(str(error).split())}") from error

    async def _connect(self) -> Session:
        connection = await self._plain_connection()
        session = Session(connection, patience=self.patience)
        try:
            for name, value in self.settings.items():
                session.send(_SET, (name, value))
            session.send(_ENCODING, keep=True)
            session.send(CITUS, keep=True)
            encodings, citus = await session.sync()
            if session.rows(citus):
                for name, value in CITUS_PLANS.items():
                    session.send(_SET, (name, value))
                session.sync_later()
        except BaseException:
            session.close()
            raise
        ((encoding,),) = session.rows(encodings)
        if encoding != "UTF8":
            session.close()
            raise UnavailableError(f"the database must use the encoding UTF8, not {encoding}")
        return session
