"""SQLite connections: opening them, mapping SQLite's errors, and copying a database file."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import apsw

from regulars import files
from regulars.store.engine import SLICE, DamagedFileError, Row, UnavailableError, Values
from regulars.store.slicing import fetch_rest
from regulars.store.statement import Statement
from regulars.store.threads import off_loop

TABLES: Final = "SELECT name FROM sqlite_schema WHERE type = 'table'"
_BUSY_MS: Final = 10_000
AWAY: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.IOError,
    apsw.FullError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.NotADBError,
    apsw.CorruptError,
)
_DAMAGED: Final = (apsw.NotADBError, apsw.CorruptError)


def run(connection: apsw.Connection, text: str, arguments: Sequence[Any] = ()) -> list[Row]:
    """The rows of a statement. Raises UnavailableError."""
    try:
        # apsw runs a statement only as far as rows are fetched.
        return connection.execute(text, arguments).fetchall()
    except AWAY as error:
        raise unavailable("the database cannot be used", error) from error


def unavailable(sentence: str, error: Exception) -> UnavailableError:
    """Map one of AWAY or an operating system error to the store's exception."""
    kind = DamagedFileError if isinstance(error, (DamagedFileError, *_DAMAGED)) else UnavailableError
    return kind(f"{sentence}: {error}")


def roll_back(connection: apsw.Connection) -> None:
    """Roll back the transaction, if it is still open."""
    # After a full disk or a failed write SQLite has already rolled back.
    if connection.in_transaction:
        run(connection, "ROLLBACK")


def current_stamp(connection: apsw.Connection) -> int:
    """The stamp of the database (see `file_header`), as SQLite reads it. Raises UnavailableError."""
    return int(run(connection, "PRAGMA user_version")[0][0])


def connect(path: Path, flags: int) -> apsw.Connection:
    """Open a connection. Raises UnavailableError."""
    try:
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=256)
    except AWAY as error:
        raise unavailable(f"cannot open the database {path}", error) from error
    connection.set_busy_timeout(_BUSY_MS)
    # Otherwise SQLite re-plans a statement whenever a bound value might change the plan, which a json_each or a partial
    # index is enough to cause: looking up one customer then takes 47 us instead of 6.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    try:
        run(connection, "PRAGMA cache_size = -65536")
        run(connection, "PRAGMA temp_store = MEMORY")
    except UnavailableError:
        connection.close()
        raise
    return connection


class SqliteConnection:
    """Statements on one connection, inside its transaction."""

    joins_rows = False

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.discarded = False
        self.overwrites = False

    def discard(self) -> None:
        """Roll back at the end of the block, as nothing worth committing was written."""
        self.discarded = True

    async def all(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement and return its rows, fetching SLICE of them per turn of the event loop."""
        sql = statement.sql("sqlite")
        try:
            cursor = self._connection.execute(sql.text, sql.arguments(values))
            rows = list(islice(cursor, SLICE))
            if len(rows) == SLICE:
                try:
                    await fetch_rest(rows, cursor)
                finally:
                    cursor.close(True)  # an unfinished statement would keep its transaction open
        except AWAY as error:
            raise unavailable("the database cannot be used", error) from error
        return rows

    async def one(self, statement: Statement, values: Values) -> Row | None:
        """Run a statement and return its first row, if any."""
        sql = statement.sql("sqlite")
        rows = run(self._connection, sql.text, sql.arguments(values))
        return rows[0] if rows else None

    async def several(
        self, queries: Sequence[tuple[Statement, Values]], *, long: bool = False, last: bool = False
    ) -> list[list[Row]]:
        """Run statements in order; returns the rows of each."""
        if long:
            return await off_loop(self._all_of, queries)
        return [await self.all(statement, values) for statement, values in queries]

    def _all_of(self, queries: Sequence[tuple[Statement, Values]]) -> list[list[Row]]:
        compiled = [(statement.sql("sqlite"), values) for statement, values in queries]
        return [run(self._connection, sql.text, sql.arguments(values)) for sql, values in compiled]

    async def many(self, statement: Statement, rows: Iterable[Sequence[Any]], *, long: bool = False) -> None:
        """Run a statement once for each row of positional arguments, on a thread if `long`."""
        execute, text = self._connection.executemany, statement.sql("sqlite").text
        try:
            await off_loop(execute, text, rows) if long else execute(text, rows)
        except AWAY as error:
            raise unavailable("the database cannot be written", error) from error

    async def overwrite_deleted(self) -> None:
        """Overwrite deleted rows with zeros until the transaction ends."""
        run(self._connection, "PRAGMA secure_delete = ON")
        self.overwrites = True

    async def script(self, text: str) -> None:
        """Run one statement of a migration."""
        run(self._connection, text)

    async def tables(self) -> set[str]:
        """The names of the existing tables."""
        return {name for (name,) in run(self._connection, TABLES)}

    async def is_distributed(self) -> bool:
        """Always False."""
        return False

    async def hold_plans(self, tables: Iterable[str]) -> bool:
        """Nothing to do: SQLite has no statistics here, and statements name their indexes where it needs them."""
        return False

    async def resume_numbers(self, table: str) -> None:
        """Nothing to do: SQLite continues after the largest id by itself."""

    async def in_thread(self, statement: Statement, values: Values) -> list[Row]:
        """`all` for many rows, on a thread so as not to block the loop. The connection must not be used meanwhile."""
        (rows,) = await self.several([(statement, values)], long=True)
        return rows


def make(path: Path) -> None:
    """Create the file unless it exists, readable by its owner only; SQLite's own files inherit that mode.

    An existing file is not opened, since closing it would drop the locks of all connections of this process.
    """
    if not path.exists():
        with suppress(FileExistsError):
            files.create(path).close()


def copy_to(source: apsw.Connection, path: Path) -> None:
    """Copy a database to a new file, completely or not at all.

    Raises UnavailableError, FileExistsError if the file exists, and any other OSError."""
    partial, file = files.create_beside(path)
    file.close()
    try:
        target = apsw.Connection(str(partial))
        try:
            # Copy all pages in one step, from one snapshot: with several steps each write would restart the copy.
            with target.backup("main", source, "main") as copy:
                copy.step(-1)
            target.execute("PRAGMA journal_mode = DELETE").fetchall()
        except AWAY as error:
            raise unavailable("the database cannot be copied", error) from error
        finally:
            target.close()
        files.sync(partial)
        files.publish(partial, path)
    finally:
        partial.unlink(missing_ok=True)
