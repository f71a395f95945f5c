"""What a migration step is."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from regulars.store.engine import Connection, NewIndex, WriteConnection
from regulars.store.slices import Slice


class Backfill(Struct, frozen=True):
    """A change to existing rows, run in short transactions while servers are running.

    slice: processes a few thousand rows from a position on (None: the beginning). The next position is stored in the
    same transaction, so an interrupted backfill resumes after its last slice. count: number of rows to process.
    """

    slice: Callable[[WriteConnection, str | None], Awaitable[Slice]]
    count: Callable[[Connection], Awaitable[int]] | None = None


class Step(Struct, frozen=True, kw_only=True):
    """One step. It has either statements, an index or a backfill; a change that needs two of these takes two steps.

    statements: by engine, run in one transaction; those under "citus" run after PostgreSQL's if the tables are
    distributed.
    """

    number: int
    name: str
    statements: Mapping[str, tuple[str, ...]] = {}
    index: NewIndex | None = None
    backfill: Backfill | None = None

    @property
    def is_quick(self) -> bool:
        """Whether it takes only milliseconds on a database of any size, so that a server may run it at startup."""
        return self.index is None and self.backfill is None


def on_every_engine(*statements: str) -> dict[str, tuple[str, ...]]:
    """Statements that all engines accept, such as ALTER TABLE ... ADD COLUMN."""
    return {"sqlite": statements, "postgresql": statements}
