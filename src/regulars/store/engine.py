"""What the store needs of an engine: transactions that hold the write lock, snapshots that hold still."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from msgspec import Struct

from regulars.store.statement import Statement

SLICE: Final = 1_000
"""Rows that are made into Python values at a time; then the event loop goes on before the next ones are."""

Row = tuple[Any, ...]
Values = Mapping[str, Any]


class UnavailableError(Exception):
    """The database cannot be used at the moment; what was asked for did not happen. The caller may try again."""


class DamagedFileError(UnavailableError):
    """What is in the database's file is not what was written there. Trying again does not help; a backup does."""


class ReplacedError(UnavailableError):
    """The database's file is no longer the one that was opened: what was written to it now would be lost."""


class TransientError(UnavailableError):
    """The transaction was undone for a reason that may be gone already: a lost connection, a deadlock.

    Trying again at once is safe, as nothing of it happened, and promising.
    """


class RejectedError(UnavailableError):
    """The database refused a statement for a reason that this program does not know; nothing of it happened."""


class OutcomeUnknownError(UnavailableError):
    """The connection was lost between a COMMIT and its answer: the transaction happened as a whole, or not at all."""


class NewIndex(Struct, frozen=True):
    """An index on a table that may be large. On PostgreSQL it is built concurrently: writes go on meanwhile.

    on: the table and what follows it in CREATE INDEX, such as "logs (site_id, status)".
    """

    name: str
    on: str
    is_unique: bool = False

    def sql(self, how: str = "") -> str:
        """The statement; `how` stands between INDEX and the name."""
        unique = "UNIQUE " if self.is_unique else ""
        return f"CREATE {unique}INDEX {how}{self.name} ON {self.on}"


class UnlinkedCommitError(ReplacedError, OutcomeUnknownError):
    """The database's file went away during a COMMIT: the write is in a file that nobody will find, or will again."""


class Connection(Protocol):
    """One view of the database, inside a transaction or snapshot."""

    async def all(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement and return its rows. The event loop gets its turn after each SLICE of them."""
        ...

    async def one(self, statement: Statement, values: Values) -> Row | None:
        """Run a statement and return its first row, if any."""
        ...

    async def several(
        self, queries: Sequence[tuple[Statement, Values]], *, long: bool = False, last: bool = False
    ) -> list[list[Row]]:
        """Run statements that do not depend on each other, in order: one round trip; returns the rows of each.

        long: there may be many rows, as of `in_thread`. last: nothing else is read in this snapshot of one's own, so
        that it may end along with them.
        """
        ...

    async def many(self, statement: Statement, rows: Iterable[Sequence[Any]], *, long: bool = False) -> None:
        """Run a statement once for each row of positional arguments. Its failure may show as late as at the commit.

        long: it may touch many rows of the table each time, so that the event loop must go on meanwhile.
        """
        ...

    async def in_thread(self, statement: Statement, values: Values) -> list[Row]:
        """`all` for many rows, so that the event loop goes on. The connection must be left alone meanwhile."""
        ...

    async def tables(self) -> set[str]:
        """The names of the tables there are."""
        ...


class WriteConnection(Connection, Protocol):
    """The view inside a write transaction."""

    def discard(self) -> None:
        """Nothing was written that is worth a commit: roll back at the end of the block."""
        ...

    async def script(self, text: str) -> None:
        """Run one statement of a migration."""
        ...

    async def is_distributed(self) -> bool:
        """Whether the tables of customers are spread over machines, by Citus."""
        ...

    async def resume_numbers(self, table: str) -> None:
        """Let the automatic numbers of a table's `id` go on after the largest there is."""
        ...


class Engine(Protocol):
    """A database. `dialect` is a key of `statement.DIALECTS`; one_writer: all sites share one write lock.
    is_remote: to read costs a round trip.

    last_wait, last_hold: seconds that the last transaction waited for the write lock (0 where that is not known), and
    held it.
    """

    dialect: str
    one_writer: bool
    is_remote: bool
    last_wait: float
    last_hold: float

    def exists(self) -> bool:
        """Whether there is a database to connect to; `open` may make one."""
        ...

    async def open(self) -> None:
        """Connect. Raises UnavailableError."""
        ...

    async def close(self) -> None:
        """Let everything go; running transactions are rolled back."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[WriteConnection]:
        """A write transaction: durable when the block ends, undone when it raises.

        Raises UnavailableError; at the end of the block maybe OutcomeUnknownError.
        """
        ...

    def migration(self) -> AbstractAsyncContextManager[WriteConnection]:
        """A write transaction for changing tables: one at a time over all processes, with time to wait and to work."""
        ...

    async def create_index(self, connection: WriteConnection, index: NewIndex) -> None:
        """Build an index inside a migration that has changed nothing yet; what an interrupted build left is replaced.

        Others go on writing meanwhile where the engine can.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Connection]:
        """A read transaction: everything read in the block belongs to one moment."""
        ...

    def shared_snapshot(self) -> AbstractAsyncContextManager[Connection]:
        """A read transaction for a few small statements, which others may look things up in at the same moment.

        Everything that was acknowledged before the call is in it. Neither `in_thread` nor a wait for anything but the
        database belongs in the block.
        """
        ...

    async def backup(self, path: str) -> None:
        """Write a consistent copy to a new file while others go on reading and writing."""
        ...

    def check_files(self) -> None:
        """Look whether the database's files are still those that were opened. Raises ReplacedError."""
        ...

    async def damage(self) -> list[str]:
        """What the database's own check of its files and indexes finds wrong; empty if all is well."""
        ...
