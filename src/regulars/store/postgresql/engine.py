"""The PostgreSQL engine: one order of commits a site, as many sites at once as there are connections.

The row of `site_heads` is the lock, so READ COMMITTED is enough for the ledger: what a statement after it reads was
committed before the lock was had. Reads have REPEATABLE READ snapshots. Durability is the server's: a commit is
acknowledged when the server's `synchronous_commit` says so, which is never lowered here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, Error, ProgrammingError
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGresult

from regulars.store.engine import (
    SLICE,
    NewIndex,
    OutcomeUnknownError,
    Row,
    TransientError,
    UnavailableError,
    Values,
    WriteConnection,
)
from regulars.store.postgresql.errors import LostError, NodeLostError
from regulars.store.postgresql.pool import ConnectionPool
from regulars.store.postgresql.session import Session
from regulars.store.statement import Sql, Statement

CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 30
LOCK_SECONDS: Final = 10
_POOL_SECONDS: Final = 5
_MIGRATION_LOCK: Final = 0x5265_6775_6C61_7273  # "Regulars"

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

_WRITE: Final = Sql("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", (), {})
_READ: Final = Sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (), {})
_COMMIT: Final = Sql("COMMIT", (), {})
_ROLLBACK: Final = Sql("ROLLBACK", (), {})
_SET: Final = Sql("SELECT set_config($1, $2, false)", (), {})
_ENCODING: Final = Sql("SELECT current_setting('server_encoding')", (), {})
CITUS: Final = Sql("SELECT 1 FROM pg_extension WHERE extname = 'citus'", (), {})
_CITUS_PLANS: Final = {"plan_cache_mode": "force_custom_plan"}
"""Which shard a statement goes to depends on its values, and only the simplest can be planned before they are known."""
_UNHURRIED: Final = Sql(
    "SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)", (), {}
)
_TRY_LOCK_MIGRATIONS: Final = Sql(f"SELECT pg_try_advisory_xact_lock({_MIGRATION_LOCK}::bigint)", (), {})
_NO_SNAPSHOT: Final = Sql("SET LOCAL lock_timeout = 0", (), {})
_MIGRATION_PAUSE: Final = 0.05
_TABLES: Final = Sql("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()", (), {})
_INVALID_INDEXES: Final = Sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid", (), {})
_IS_VALID: Final = (
    "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relname = %s AND relnamespace = current_schema()::regnamespace"
)
_IS_DISTRIBUTED: Final = Sql("SELECT 1 FROM pg_dist_partition WHERE logicalrelid = to_regclass('site_heads')", (), {})
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
        connection = PostgresqlConnection(await self._opened().take(), self._opened(), _WRITE)
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
        connection = PostgresqlConnection(await self._opened().take(), self._opened(), _READ)
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


class PostgresqlConnection:
    """Statements in one transaction, which begins with the first of them.

    A connection that turns out to be dead at that first statement is replaced unnoticed: nothing has happened yet.
    """

    def __init__(self, session: Session, pool: ConnectionPool, begin: Sql) -> None:
        self._session = session
        self._pool = pool
        self._begin = begin
        self._begun = False
        self._over = False
        self._patiently = False
        self.discarded = False

    def discard(self) -> None:
        """Nothing was written that is worth a commit: roll back at the end of the block."""
        self.discarded = True

    async def all(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement and return its rows."""
        (rows,) = await self.several([(statement, values)])
        return rows

    async def one(self, statement: Statement, values: Values) -> Row | None:
        """Run a statement and return its first row, if any."""
        rows = await self.all(statement, values)
        return rows[0] if rows else None

    async def several(
        self, queries: Sequence[tuple[Statement, Values]], *, long: bool = False, last: bool = False
    ) -> list[list[Row]]:
        """Run statements in one round trip, the last of which ends a snapshot; returns the rows of each."""
        if last and self._begin is not _READ:
            raise RuntimeError("a write transaction ends by its commit")  # which finds out whether it happened
        results = await self._exchange(_compiled(queries), last=last)
        session = self._session
        return [
            await session.many_rows(result) if long or result.ntuples > SLICE else session.rows(result)
            for result in results
        ]

    async def many(self, statement: Statement, rows: Iterable[Sequence[Any]], *, long: bool = False) -> None:
        """Send a statement once for each row of positional arguments; a failure shows at the next answer."""
        self._ensure_begun()
        await self._session.send_many(statement.sql("postgresql"), rows)

    async def in_thread(self, statement: Statement, values: Values) -> list[Row]:
        """`all` for many rows, which are decoded some at a time."""
        (rows,) = await self.several([(statement, values)], long=True)
        return rows

    async def script(self, text: str) -> None:
        """Run one statement of a migration."""
        await self.ask(Sql(text, (), {}))

    async def tables(self) -> set[str]:
        """The names of the tables there are."""
        (rows,) = await self.ask(_TABLES)
        return {name for (name,) in rows}

    async def is_distributed(self) -> bool:
        """Whether there is Citus, and it has distributed the tables of customers."""
        (has_citus,) = await self.ask(CITUS)
        return bool(has_citus) and bool((await self.ask(_IS_DISTRIBUTED))[0])

    async def resume_numbers(self, table: str) -> None:
        """Set the sequence behind a table's `id` to the largest there is."""
        text = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
        await self.ask(Sql(text, (), {}))

    async def ask(self, *texts: Sql) -> list[list[Row]]:
        """Run the engine's own statements, which take no arguments."""
        results = await self._exchange([(text, ()) for text in texts])
        return [self._session.rows(result) for result in results]

    async def unhurried(self) -> None:
        """Take the lock of all migrations and lift the limits of time for this transaction."""
        self._patiently = True
        await self._exchange([(_UNHURRIED, ())])
        # Asked again and again: a statement that waits for a lock has a snapshot, for whose end the migration that has
        # the lock may wait itself.
        while True:
            locked, _ = await self.ask(_TRY_LOCK_MIGRATIONS, _NO_SNAPSHOT)
            if locked == [(True,)]:
                return
            await asyncio.sleep(_MIGRATION_PAUSE)

    async def let_snapshot_go(self) -> None:
        """Keep no snapshot between statements: the last answer's stays with the server until the next one's."""
        await self.ask(_NO_SNAPSHOT)

    async def commit(self) -> None:
        """Commit; raises OutcomeUnknownError if the connection is lost before the answer comes."""
        if not self._begun:
            return
        session = self._session
        if session.closed:
            raise LostError("the connection to the database was lost")
        session.send(_COMMIT)
        try:
            await session.sync(patiently=self._patiently)
        except (LostError, NodeLostError) as error:
            raise OutcomeUnknownError(f"{error}; whether the commit happened is not known") from error
        self._begun = False

    def abandon(self) -> None:
        """Leave the transaction without a commit. What is still under way is given up with the connection."""
        if not self._begun or self._session.closed:
            return
        self._begun = False
        if not self._session.is_idle:
            self._session.close()
            return
        self._session.end(_ROLLBACK)

    def release(self) -> None:
        """Give the connection back to the pool."""
        self._pool.give(self._session)

    def _ensure_begun(self) -> None:
        if self._over:
            raise RuntimeError("what was said to be the last has been read")
        if not self._begun:
            self._begun = True
            self._session.begin(self._begin)

    async def _exchange(self, queries: Sequence[tuple[Sql, Sequence[Any]]], *, last: bool = False) -> list[PGresult]:
        first = not self._begun
        try:
            results = await self._run(queries, last)
        except TransientError:
            if not first:
                raise
            await self._start_over()
            results = await self._run(queries, last)
        if last:
            self._over, self._begun = True, False
        return results

    async def _start_over(self) -> None:
        """Be in no transaction again, on a connection of use: nothing has happened yet."""
        self.abandon()
        self._begun = False
        if not self._session.can_be_reused:
            self._pool.give(self._session)
            self._session = await self._pool.take(fresh=True)

    async def _run(self, queries: Sequence[tuple[Sql, Sequence[Any]]], last: bool) -> list[PGresult]:
        self._ensure_begun()
        for sql, arguments in queries:
            self._session.send(sql, arguments, keep=True)
        if last:
            self._session.send(_COMMIT)
        return await self._session.sync(patiently=self._patiently)


def _compiled(queries: Sequence[tuple[Statement, Values]]) -> list[tuple[Sql, Sequence[Any]]]:
    compiled: list[tuple[Sql, Sequence[Any]]] = []
    for statement, values in queries:
        sql = statement.sql("postgresql")
        compiled.append((sql, sql.arguments(values)))
    return compiled
