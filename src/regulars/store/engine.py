"""The interface of a database engine: transactions that hold the write lock, and consistent read snapshots."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from msgspec import Struct

from regulars.store.statement import Statement

SLICE: Final = 1_000
"""Rows converted to Python values at a time; the event loop gets control between slices."""

Row = tuple[Any, ...]
Values = Mapping[str, Any]


class UnavailableError(Exception):
    """The database is unavailable at the moment and the operation did not happen. The caller may retry."""


class DamagedFileError(UnavailableError):
    """The database file is corrupt. Retrying does not help; restoring a backup does."""


class ReplacedError(UnavailableError):
    """The database file is no longer the one that was opened, so any write would be lost."""


class TransientError(UnavailableError):
    """The transaction was rolled back for a reason that may have passed: a lost connection, a deadlock.

    An immediate retry is safe, since nothing was committed, and likely to succeed.
    """


class RejectedError(UnavailableError):
    """The database refused a statement for a reason unknown to this program; nothing was committed."""


class OutcomeUnknownError(UnavailableError):
    """The connection was lost between a COMMIT and its reply: the transaction took effect fully or not at all."""


class NewIndex(Struct, frozen=True):
    """An index on a table that may be large. PostgreSQL builds it concurrently, without blocking writes.

    on: the part after ON in CREATE INDEX, such as "logs (site_id, status)".
    """

    name: str
    on: str
    is_unique: bool = False

    def sql(self, how: str = "") -> str:
        """The statement; `how` is inserted between INDEX and the name."""
        unique = "UNIQUE " if self.is_unique else ""
        return f"CREATE {unique}INDEX {how}{self.name} ON {self.on}"


class UnlinkedCommitError(ReplacedError, OutcomeUnknownError):
    """The database file was replaced during a COMMIT: the write is lost unless the old file is put back."""


class Connection(Protocol):
    """One view of the database, inside a transaction or snapshot.

    joins_rows: whether `many` writes many rows of an INSERT by one statement.
    """

    joins_rows: bool

    async def all(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement and return its rows. The event loop gets control after each SLICE of them."""
        ...

    async def one(self, statement: Statement, values: Values) -> Row | None:
        """Run a statement and return its first row, if any."""
        ...

    async def several(
        self, queries: Sequence[tuple[Statement, Values]], *, long: bool = False, last: bool = False
    ) -> list[list[Row]]:
        """Run independent statements in order, in one round trip; returns the rows of each.

        long: there may be many rows, as with `in_thread`. last: nothing else will be read in this unshared snapshot,
        so it may end in the same round trip.
        """
        ...

    async def many(self, statement: Statement, rows: Iterable[Sequence[Any]], *, long: bool = False) -> None:
        """Run a statement once for each row of positional arguments. A failure may surface as late as the commit.

        long: each run may touch many rows of the table, so the event loop must not be blocked.
        """
        ...

    async def in_thread(self, statement: Statement, values: Values) -> list[Row]:
        """`all` for many rows, without blocking the event loop. The connection must not be used meanwhile."""
        ...

    async def tables(self) -> set[str]:
        """The names of the existing tables."""
        ...


class WriteConnection(Connection, Protocol):
    """The view inside a write transaction."""

    def discard(self) -> None:
        """Roll back at the end of the block, as nothing worth committing was written."""
        ...

    async def overwrite_deleted(self) -> None:
        """Overwrite most of what this transaction deletes from now on, if the engine can."""
        ...

    async def script(self, text: str) -> None:
        """Run one statement of a migration."""
        ...

    async def is_distributed(self) -> bool:
        """Whether Citus distributes the customer tables over several machines."""
        ...

    async def hold_plans(self, tables: Iterable[str]) -> bool:
        """Make the plans on tables with a site_id independent of how their rows are spread over sites.

        Returns whether this changed anything. Existing and new databases need it, and each new table.
        """
        ...

    async def resume_numbers(self, table: str) -> None:
        """Make the automatic ids of a table continue after its largest `id`."""
        ...


class Engine(Protocol):
    """A database. dialect: a key of `statement.DIALECTS`. one_writer: all sites share one write lock.
    is_remote: each read costs a round trip.

    last_wait, last_hold: seconds that the last transaction waited for the write lock (0 if unknown) and held it.
    """

    dialect: str
    one_writer: bool
    is_remote: bool
    last_wait: float
    last_hold: float

    def exists(self) -> bool:
        """Whether there is a database to connect to; `open` may create one."""
        ...

    async def open(self) -> None:
        """Connect. Raises UnavailableError."""
        ...

    async def warm(self) -> None:
        """Open what calls will need, so that a server without free file descriptors can go on answering."""
        ...

    async def close(self) -> None:
        """Release all resources; running transactions are rolled back."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[WriteConnection]:
        """A write transaction: durable when the block ends, rolled back if it raises.

        Raises UnavailableError, and possibly OutcomeUnknownError at the end of the block.
        """
        ...

    def migration(self) -> AbstractAsyncContextManager[WriteConnection]:
        """A write transaction for schema changes: one at a time across all processes, without time limits."""
        ...

    async def create_index(self, connection: WriteConnection, index: NewIndex) -> None:
        """Build an index inside a migration that has changed nothing yet; replaces the remains of an interrupted build.

        Writes continue meanwhile if the engine supports it.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Connection]:
        """A read transaction: all reads in the block see the same state."""
        ...

    def shared_snapshot(self) -> AbstractAsyncContextManager[Connection]:
        """A read transaction for a few small statements, possibly shared with concurrent callers.

        It includes every write acknowledged before the call. The block must not use `in_thread` or await anything but
        the database.
        """
        ...

    async def backup(self, path: str) -> None:
        """Write a consistent copy to a new file without blocking reads or writes."""
        ...

    def check_files(self) -> None:
        """Check that the database files are still those that were opened. Raises ReplacedError."""
        ...

    async def vacuum(self, tables: Sequence[str], *, full: bool = False) -> None:
        """Remove what deleted rows left in the files of the database. tables: those that lost rows.

        SQLite writes the whole file anew and empties its write-ahead log; writers wait meanwhile. PostgreSQL frees the
        space of the rows for others, and their bytes stay until it is used; if `full`, it writes each table anew, which
        nobody can use meanwhile. Raises UnavailableError.
        """
        ...

    async def size(self) -> int:
        """The size of the database in bytes. Raises UnavailableError."""
        ...

    async def damage(self) -> list[str]:
        """The problems found by the database's own check of its files and indexes; empty if there are none."""
        ...
