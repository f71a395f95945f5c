"""One transaction on a PostgreSQL server: its statements, its commit, and its cleanup after any failure."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from psycopg.pq.abc import PGresult

from regulars.store.engine import SLICE, OutcomeUnknownError, Row, TransientError, Values
from regulars.store.postgresql.errors import LostError, NodeLostError
from regulars.store.postgresql.plans import CITUS, hold_plans
from regulars.store.postgresql.pool import ConnectionPool
from regulars.store.postgresql.session import Session
from regulars.store.statement import Sql, Statement

_MIGRATION_LOCK: Final = 0x5265_6775_6C61_7273  # "Regulars"
WRITE: Final = Sql("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", (), {})
READ: Final = Sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (), {})
_COMMIT: Final = Sql("COMMIT", (), {})
_ROLLBACK: Final = Sql("ROLLBACK", (), {})
_UNHURRIED: Final = Sql(
    "SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)", (), {}
)
_TRY_LOCK_MIGRATIONS: Final = Sql(f"SELECT pg_try_advisory_xact_lock({_MIGRATION_LOCK}::bigint)", (), {})
_NO_SNAPSHOT: Final = Sql("SET LOCAL lock_timeout = 0", (), {})
_MIGRATION_PAUSE: Final = 0.05
_IS_DISTRIBUTED: Final = Sql("SELECT 1 FROM pg_dist_partition WHERE logicalrelid = to_regclass('site_heads')", (), {})
_TABLES: Final = Sql("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()", (), {})


class PostgresqlConnection:
    """Statements in one transaction, which begins with the first statement.

    If the connection turns out to be dead at that point, it is replaced transparently, as nothing has happened yet.
    """

    joins_rows = True

    def __init__(self, session: Session, pool: ConnectionPool, begin: Sql) -> None:
        self._session = session
        self._pool = pool
        self._begin = begin
        self._begun = False
        self._over = False
        self._patiently = False
        self.discarded = False

    def discard(self) -> None:
        """Roll back at the end of the block, as nothing worth committing was written."""
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
        """Run statements in one round trip; returns the rows of each. last: also end this snapshot."""
        if last and self._begin is not READ:
            raise RuntimeError("a write transaction ends by its commit")  # `commit` determines whether it succeeded
        results = await self._exchange(_compiled(queries), last=last)
        session = self._session
        return [
            await session.many_rows(result) if long or result.ntuples > SLICE else session.rows(result)
            for result in results
        ]

    async def many(self, statement: Statement, rows: Iterable[Sequence[Any]], *, long: bool = False) -> None:
        """Send a statement for all rows of positional arguments; a failure surfaces at the next reply."""
        self._ensure_begun()
        await self._session.send_many(statement.sql("postgresql"), rows)

    async def in_thread(self, statement: Statement, values: Values) -> list[Row]:
        """`all` for many rows, which are decoded in chunks."""
        (rows,) = await self.several([(statement, values)], long=True)
        return rows

    async def script(self, text: str) -> None:
        """Run one statement of a migration."""
        await self.ask(Sql(text, (), {}))

    async def tables(self) -> set[str]:
        """The names of the existing tables."""
        (rows,) = await self.ask(_TABLES)
        return {name for (name,) in rows}

    async def overwrite_deleted(self) -> None:
        """Nothing to do: PostgreSQL keeps deleted rows until VACUUM."""

    async def is_distributed(self) -> bool:
        """Whether Citus is installed and distributes the customer tables."""
        (has_citus,) = await self.ask(CITUS)
        return bool(has_citus) and bool((await self.ask(_IS_DISTRIBUTED))[0])

    async def hold_plans(self, tables: Iterable[str]) -> bool:
        """Make plans independent of how the rows are spread over sites; returns whether this changed anything."""
        return await hold_plans(self, tables)

    async def resume_numbers(self, table: str) -> None:
        """Set the sequence behind a table's `id` to its largest value."""
        # Citus may read a table on another machine, so that a function beside it would run there.
        (((last,),),) = await self.ask(Sql(f"SELECT max(id) FROM {table}", (), {}))  # noqa: S608
        if last is not None:
            await self.ask(Sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})", (), {}))

    async def ask(self, *texts: Sql) -> list[list[Row]]:
        """Run the engine's own statements, which take no arguments."""
        results = await self._exchange([(text, ()) for text in texts])
        return [self._session.rows(result) for result in results]

    async def unhurried(self) -> None:
        """Take the global migration lock and disable timeouts for this transaction."""
        self._patiently = True
        await self._exchange([(_UNHURRIED, ())])
        # Poll instead of blocking: a statement that waits for a lock holds a snapshot, and the migration that has the
        # lock may itself be waiting for that snapshot to end.
        while True:
            locked, _ = await self.ask(_TRY_LOCK_MIGRATIONS, _NO_SNAPSHOT)
            if locked == [(True,)]:
                return
            await asyncio.sleep(_MIGRATION_PAUSE)

    async def let_snapshot_go(self) -> None:
        """Release the snapshot: the server keeps the last reply's snapshot until the next statement."""
        await self.ask(_NO_SNAPSHOT)

    async def commit(self) -> None:
        """Commit; raises OutcomeUnknownError if the connection is lost before the reply arrives."""
        if not self._begun:
            return
        session = self._session
        if session.closed:
            raise LostError("the connection to the database was lost")
        session.send(_COMMIT)
        try:
            await session.sync(patiently=self._patiently)
        except (LostError, NodeLostError) as error:
            raise OutcomeUnknownError(f"{error}; it is unknown whether the commit happened") from error
        self._begun = False

    def abandon(self) -> None:
        """End the transaction without a commit. If statements are still running, the connection is closed."""
        if not self._begun or self._session.closed:
            return
        self._begun = False
        if not self._session.is_idle:
            self._session.close()
            return
        self._session.end(_ROLLBACK)

    def release(self) -> None:
        """Return the connection to the pool."""
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
        """Reset to no transaction, on a usable connection. Only valid before anything has happened."""
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
