"""SQLite connections: opening them, mapping SQLite's errors, and copying a database file."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw

from regulars import files
from regulars.store.engine import DamagedFileError, Row, UnavailableError

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
