"""Connections to an SQLite file: how they are opened, what of SQLite's errors becomes, and the copy of a file."""

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
    """The error of the store for one of AWAY, or of the operating system."""
    kind = DamagedFileError if isinstance(error, (DamagedFileError, *_DAMAGED)) else UnavailableError
    return kind(f"{sentence}: {error}")


def roll_back(connection: apsw.Connection) -> None:
    """End the transaction, if there still is one, without its writes."""
    # After a full disk or a failed write SQLite has rolled back by itself.
    if connection.in_transaction:
        run(connection, "ROLLBACK")


def connect(path: Path, flags: int) -> apsw.Connection:
    """A new connection. Raises UnavailableError."""
    try:
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=256)
    except AWAY as error:
        raise unavailable(f"cannot open the database {path}", error) from error
    connection.set_busy_timeout(_BUSY_MS)
    # Without it SQLite plans a statement anew whenever a bound value might change the plan, which a json_each or a
    # partial index is enough for: 47 us instead of 6 for the look-up of one customer.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    try:
        run(connection, "PRAGMA cache_size = -65536")
        run(connection, "PRAGMA temp_store = MEMORY")
    except UnavailableError:
        connection.close()
        raise
    return connection


def make(path: Path) -> None:
    """Make a file that its owner alone may read, if it is not there: SQLite's own follow it in that.

    One that is there is not opened: to close it again would take the locks of every connection of this process.
    """
    if not path.exists():
        with suppress(FileExistsError):
            files.create(path).close()


def copy_to(source: apsw.Connection, path: Path) -> None:
    """Copy a database to a new file, complete or not at all.

    Raises UnavailableError, FileExistsError when there is a file of that name, and any other OSError."""
    partial, file = files.create_beside(path)
    file.close()
    try:
        target = apsw.Connection(str(partial))
        try:
            # All pages in one step: a step copies from one snapshot, further steps would start anew after each write.
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
