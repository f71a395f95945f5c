"""The PostgreSQL engine: one order of commits a site, as many sites at once as there are connections.

The row of `site_heads` is the lock, so READ COMMITTED is enough for the ledger: what a statement after it reads was
committed before the lock was had. Reads have REPEATABLE READ snapshots. Durability is the server's: a commit is
acknowledged when the server's `synchronous_commit` says so, which is never lowered here.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, Error, ProgrammingError
from psycopg.conninfo import make_conninfo

from regulars.store.engine import (
    NewIndex,
    UnavailableError,
    WriteConnection,
)
from regulars.store.postgresql.connection import CITUS, READ, WRITE, PostgresqlConnection
from regulars.store.postgresql.pool import ConnectionPool
from regulars.store.postgresql.session import Session
from regulars.store.statement import Sql

CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 30
LOCK_SECONDS: Final = 10
_POOL_SECONDS: Final = 5

PLANS: Final = {
    # Every statement is a look-up in an index, also of a table that is young and seems not worth one: a plan is made
    # once a connection, and must not read a whole site when that has grown.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_KEEPALIVES: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}

_SET: Final = Sql("SELECT set_config($1, $2, false)", (), {})
_ENCODING: Final = Sql("SELECT current_setting('server_encoding')", (), {})
_CITUS_PLANS: Final = {"plan_cache_mode": "force_custom_plan"}
"""Which shard a statement goes to depends on its values, and only the simplest can be planned before they are known."""
_INVALID_INDEXES: Final = Sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid", (), {})
_IS_VALID: Final = (
    "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relname = %s AND relnamespace = current_schema()::regnamespace"
)
_BAD_PAGES: Final = Sql(
    "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()", (), {}
)


class PostgresqlEngine:
    """A database on a server. The database must exist; its encoding must be UTF8.

    connections: how many may be open at a time. lock_seconds, statement_seconds: what the server gives up after.
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
        self._settings = {
            **PLANS,
            "statement_timeout": f"{statement_seconds * 1000:.0f}",
            "lock_timeout": f"{lock_seconds * 1000:.0f}",
            "client_encoding": "UTF8",
            # A server that lost us without a word lets go of our locks within half a minute.
            **{f"tcp_{name}": str(value) for name, value in _KEEPALIVES.items()},
        }
        self._patience = statement_seconds + 5
        self._pool: ConnectionPool | None = None
        self.last_wait = 0.0
        self.last_hold = 0.0

    def exists(self) -> bool:
        """True: only the server knows, and says so at `open`."""
        return True

    async def open(self) -> None:
        """Connect once, to see that it can be done. Raises UnavailableError."""
        self._pool = ConnectionPool(self._connect, size=self._connections, patience=self._pool_seconds)
        session = await self._pool.take()
        self._pool.give(session)

    async def close(self) -> None:
        """Close every connection; running transactions are rolled back by the server."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["PostgresqlConnection"]:
        """A transaction that commits at the end, durably, or rolls back if the block raises."""
        connection = PostgresqlConnection(await self._opened().take(), self._opened(), WRITE)
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
        """A transaction that holds the lock of all migrations, without limits of time."""
        async with self.transaction() as connection:
            await connection.unhurried()
            yield connection

    async def create_index(self, connection: WriteConnection, index: NewIndex) -> None:
        """Build an index concurrently, on a connection of its own: it cannot be done inside a transaction.

        The build waits for the end of every older snapshot, so the migration must keep none.
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
        """A read transaction. Its end comes with the answer to its last reading, or is not waited for."""
        connection = PostgresqlConnection(await self._opened().take(), self._opened(), READ)
        try:
            yield connection
        finally:
            connection.abandon()
            connection.release()

    def shared_snapshot(self) -> AbstractAsyncContextManager["PostgresqlConnection"]:
        """A read transaction of one's own: to begin it costs no round trip."""
        return self.snapshot()

    async def backup(self, path: str) -> None:
        """Not done here: raises UnavailableError with the way to do it."""
        raise UnavailableError("a PostgreSQL database is backed up with pg_dump, or with `regulars copy` to a file")

    def check_files(self) -> None:
        """Nothing to do: the server looks after its files."""

    async def damage(self) -> list[str]:
        """Indexes that the server holds invalid, and pages with a wrong checksum that it met."""
        async with self.snapshot() as connection:
            invalid, failures = await connection.ask(_INVALID_INDEXES, _BAD_PAGES)
        found = [f"the index {name} is not valid" for (name,) in invalid]
        return found + [f"{count} pages had a wrong checksum" for (count,) in failures if count]

    def _opened(self) -> ConnectionPool:
        if self._pool is None:
            raise UnavailableError("the database is closed")
        return self._pool

    async def _plain_connection(self) -> AsyncConnection[tuple[Any, ...]]:
        """A new connection of psycopg's own making, outside the pool."""
        try:
            conninfo = make_conninfo(
                self._url, connect_timeout=CONNECT_SECONDS, application_name="regulars", **_KEEPALIVES
            )
        except ProgrammingError:  # whose text would tell the password
            raise UnavailableError(
                "the database URL is malformed: the form is postgresql://user:password@host:port/database, and in a "
                "user or password % is written %25, @ is %40, : is %3A and / is %2F"
            ) from None
        try:
            return await AsyncConnection.connect(conninfo, autocommit=True)
        except (Error, OSError) as error:
            raise UnavailableError(f"cannot connect to the database: {' '.join(str(error).split())}") from error

    async def _connect(self) -> Session:
        connection = await self._plain_connection()
        session = Session(connection, patience=self._patience)
        try:
            for name, value in self._settings.items():
                session.send(_SET, (name, value))
            session.send(_ENCODING, keep=True)
            session.send(CITUS, keep=True)
            encodings, citus = await session.sync()
            if session.rows(citus):
                for name, value in _CITUS_PLANS.items():
                    session.send(_SET, (name, value))
                session.sync_later()
        except BaseException:
            session.close()
            raise
        ((encoding,),) = session.rows(encodings)
        if encoding != "UTF8":
            session.close()
            raise UnavailableError(f"the database must have the encoding UTF8, not {encoding}")
        return session
