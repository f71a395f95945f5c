"""The store: one database, opened by its URL, and its ledger."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from regulars.domain.limits import DEFAULT, Limits
from regulars.store import control
from regulars.store.engine import Connection, Engine, UnavailableError
from regulars.store.event_counts import EventCounts
from regulars.store.following import StoreChanges
from regulars.store.ledger import LARGEST_BATCH, Ledger
from regulars.store.migrations import has_tables, migrate
from regulars.store.sqlite import SCHEME, SqliteEngine

POSTGRESQL_SCHEMES: Final = ("postgresql://", "postgres://")

_PROVEN_SECONDS: Final = 1.0
CONNECTIONS: Final = 16
"""Connections from one process to a database server: enough to write ten sites at once and read as well."""

_PASSWORD: Final = re.compile(r"^((?:\w+:/+)?)(?!\w+:/)([^:@/]*):.*@|(password\s*=\s*)('[^']*'|[^&\s]*)")
"""Matches a password in a URL or connection string, including malformed ones, which appear in error messages."""


class DatabaseURLError(ValueError):
    """The database URL is not supported or malformed."""


class Store:
    """An open database: `ledger` accepts writes, `snapshot()` provides reads, `changes` feeds the index."""

    def __init__(
        self,
        engine: Engine,
        *,
        capacity: int = 10_000,
        largest_batch: int = LARGEST_BATCH,
        limits: Limits = DEFAULT,
        clock: Callable[[], int] | None = None,
        has_outbox: bool = True,
    ) -> None:
        self.engine = engine
        self.limits = limits
        self.ledger = Ledger(
            engine,
            capacity=capacity,
            largest_batch=largest_batch,
            limits=limits,
            clock=clock,
            has_outbox=has_outbox,
        )
        self.changes = StoreChanges(engine)
        self.event_counts = EventCounts()
        self._proving = asyncio.Lock()
        self._proven_until = 0.0

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        connections: int = CONNECTIONS,
        capacity: int = 10_000,
        largest_batch: int = LARGEST_BATCH,
        limits: Limits = DEFAULT,
        clock: Callable[[], int] | None = None,
        must_exist: bool = False,
        has_outbox: bool = True,
    ) -> "Store":
        """Open a database and run its pending migrations, quick ones only.

        connections: limit on connections to a database server. has_outbox: whether commits write events to the outbox.

        must_exist: do not create a missing file.

        Raises DatabaseURLError, UnavailableError, or IncompatibleError.
        """
        engine = engine_for(url, connections=connections)
        if must_exist and not engine.exists():
            raise UnavailableError(f"no database exists at {shown(url)}")
        await engine.open()
        try:
            await migrate(engine, quick_only=True)
        except BaseException:
            await engine.close()
            raise
        return cls(
            engine,
            capacity=capacity,
            largest_batch=largest_batch,
            limits=limits,
            clock=clock,
            has_outbox=has_outbox,
        )

    async def prove_writable(self) -> None:
        """Test that the database can be written, at most once a second. Raises UnavailableError."""
        async with self._proving:
            if time.monotonic() > self._proven_until:
                await control.rewrite_epoch(self.engine)
                self._proven_until = time.monotonic() + _PROVEN_SECONDS

    def snapshot(self) -> AbstractAsyncContextManager[Connection]:
        """One consistent view for reading."""
        return self.engine.snapshot()

    def shared_snapshot(self) -> AbstractAsyncContextManager[Connection]:
        """A view for a few small lookups, cheaper than a separate snapshot; see `Engine.shared_snapshot`."""
        return self.engine.shared_snapshot()

    async def close(self) -> None:
        """Finish pending writes, then close the database."""
        await self.ledger.close()
        await self.engine.close()


def engine_for(url: str, *, connections: int = CONNECTIONS) -> Engine:
    """The engine for a database URL, not yet open. Raises DatabaseURLError."""
    if url.startswith(SCHEME) and len(url) > len(SCHEME):
        return SqliteEngine(url.removeprefix(SCHEME))
    if url.startswith(POSTGRESQL_SCHEMES):
        return _postgresql(url, connections)
    raise DatabaseURLError(
        "the database must be given as sqlite:///path, such as sqlite:///regulars.db, or as "
        f"postgresql://user@host/database, not {shown(url)!r}"
    )


def files_of(url: str) -> list[Path]:
    """The files of the database at this URL; none if it is on a server."""
    if not url.startswith(SCHEME):
        return []
    path = str(Path(url.removeprefix(SCHEME)).absolute())
    return [Path(path + suffix) for suffix in ("", "-wal", "-shm", ".lock")]


def shown(url: str) -> str:
    """A database URL without its password, safe to print."""
    if url.startswith(SCHEME):
        return url
    return _PASSWORD.sub(lambda found: f"{found[3]}***" if found[3] else f"{found[1]}{found[2]}:***@", url)


def _postgresql(url: str, connections: int) -> Engine:
    try:
        from regulars.store.postgresql.engine import PostgresqlEngine
    except ImportError as error:
        raise DatabaseURLError(
            "PostgreSQL support is not installed: run pip install '.[postgres]' in a clone of the repository"
        ) from error
    return PostgresqlEngine(url, connections=connections)


async def is_initialised(url: str) -> bool:
    """Whether the database exists and has its tables; creates neither. Raises DatabaseURLError, UnavailableError."""
    engine = engine_for(url)
    if not engine.exists():
        return False
    await engine.open()
    try:
        return await has_tables(engine)
    finally:
        await engine.close()
