"""Checkpoints: copy SQLite's write-ahead log into the database file, while commits go on.

A commit that copied the log itself, as SQLite does by default, would keep all writers waiting for as long as it takes
to write thousands of pages and sync them. So a connection of its own copies them on a thread, without the write lock.
Only what was committed meanwhile is copied with the lock, as the next commit can start the log anew only if nothing is
left.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import apsw
import structlog

from regulars.store.engine import UnavailableError
from regulars.store.sqlite_connections import AWAY, TABLES, connect, run
from regulars.store.threads import Worker, off_loop

PAGES: Final = 4_000
"""Size of the log, in pages of 4 KiB, from which it is copied, and how much it grows until it is copied again.

A page that was written several times by then is copied only once.
"""
FEW: Final = 200
"""Pages that may be copied with the write lock held."""
_ROUNDS: Final = 3
"""How often the log is copied without the lock, if commits add more than FEW pages meanwhile."""

_log = structlog.get_logger("regulars.store")


class Checkpointer:
    """Copies the log of a database.

    check: raises UnavailableError if the files are not those that were opened. locked: holds the write lock, and gives
    the thread that may work with it.
    """

    def __init__(
        self, path: Path, check: Callable[[], object], locked: Callable[[], AbstractAsyncContextManager[Worker]]
    ) -> None:
        self._path = path
        self._check = check
        self._locked = locked
        self._connection: apsw.Connection | None = None
        self._pages = self._reached = self._copied = 0
        self._task: asyncio.Task[None] | None = None

    def follow(self, writer: apsw.Connection) -> None:
        """Watch how the commits of a connection lengthen the log. From now on they do not copy it."""
        writer.set_wal_hook(self._note)

    def _note(self, writer: apsw.Connection, database: str, pages: int) -> int:
        if pages < self._pages:  # the log was started anew
            self._reached = self._copied = 0
        self._pages = pages
        return apsw.SQLITE_OK

    def start_if_due(self) -> None:
        """Start to copy the log if that is due and not under way."""
        if self._task is None and self._pages - self._reached >= PAGES:
            self._reached = self._pages
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def finish(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    def close(self) -> None:
        """Close the connection; call `finish` before."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _run(self) -> None:
        try:
            for _ in range(_ROUNDS):
                before = self._copied
                await off_loop(self._copy)
                if self._copied == before:
                    return  # a reader still needs what the file has
                if self._pages - self._copied <= FEW:
                    break
            async with self._locked() as worker:
                await worker.run(self._copy)
        except (UnavailableError, *AWAY) as error:
            _log.warning("the write-ahead log could not be copied; it grows until it can", reason=str(error))
        finally:
            self._task = None

    def _copy(self) -> None:
        self._check()
        try:
            _, self._copied = self._opened().wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            self._copied = self._pages  # another process is copying it

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            connection = connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            run(connection, TABLES)  # opens the log
            self._connection = connection
        return self._connection
