"""The SQLite engine: one file, one writer at a time across all processes, readers that never wait.

SQL runs on the event loop's thread, because next to a busy loop a thread spends more on the GIL than on the SQL. Only
the blocking parts, waiting for the file lock and the COMMIT with its fsync, run on a worker thread. Checkpoints run
beside them (`checkpoints.py`). Across processes
the write lock is an flock on a file beside the database: the kernel passes it on fairly and releases it when a process
dies, whereas SQLite's own busy timeout can starve one side for seconds.
"""

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import apsw
import structlog

from regulars.store.checkpoints import Checkpointer
from regulars.store.database_files import DatabaseFiles, refuse_foreign_log
from regulars.store.engine import (
    DamagedFileError,
    NewIndex,
    ReplacedError,
    UnavailableError,
    UnlinkedCommitError,
    WriteConnection,
)
from regulars.store.file_header import Header
from regulars.store.sqlite_connections import (
    AWAY,
    TABLES,
    SqliteConnection,
    connect,
    copy_to,
    current_stamp,
    make,
    roll_back,
    run,
    unavailable,
)
from regulars.store.sqlite_vacuum import vacuum
from regulars.store.threads import Worker, off_loop

SCHEME: Final = "sqlite:///"
_LOOK_SECONDS: Final = 0.25
"""How long readers rely on one check of the files; writers check at each commit."""

_WARM_READERS: Final = 4
"""Connections for reading that a server opens at its start: the loop's, the follower's and those of jobs."""

_log = structlog.get_logger("regulars.store")


class SqliteEngine:
    """A database in one file. The file is created by the first transaction that writes."""

    dialect = "sqlite"
    one_writer = True
    is_remote = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._worker = Worker()
        self._writing = asyncio.Lock()
        self._writer: apsw.Connection | None = None
        self._files: DatabaseFiles | None = None
        self._look_at = 0.0
        self._is_replaced = False
        self._telling = threading.Lock()
        self._readers: list[apsw.Connection] = []
        self._shared: SqliteSharedSnapshot | None = None
        self._checkpointer = Checkpointer(self.path, self._check, self._locked)
        self._lock_file = -1
        self.last_wait = 0.0
        self.last_hold = 0.0

    @property
    def writer(self) -> apsw.Connection:
        """The connection that writes, while the file is open."""
        assert self._writer is not None
        return self._writer

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.exists()

    async def open(self) -> None:
        """Open the file for writing, creating it if it does not exist. Raises UnavailableError."""
        try:
            self._lock_file = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            await self._worker.run(self._lock)  # two processes may create the file at once
            try:
                refuse_foreign_log(self.path, self._lock_file)
                make(self.path)
                self._writer = connect(self.path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
                self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # the log may belong to another file
                self._refuse_others(self._writer)
                # WAL with FULL: a commit is on disk when COMMIT returns. Without fetchall, apsw stops at the first row.
                self._writer.execute("PRAGMA journal_mode = WAL").fetchall()
                self._writer.execute("PRAGMA synchronous = FULL").fetchall()
                self._writer.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # opens its other files
                self._files = DatabaseFiles(self.path, self._lock_file, current_stamp(self._writer))
                self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
                self._checkpointer.follow(self._writer)
            finally:
                self._unlock()
        except (OSError, UnavailableError, *AWAY) as error:
            self._let_go()
            raise unavailable(f"cannot open the database {self.path}", error) from error

    def _refuse_others(self, writer: apsw.Connection) -> None:
        """Raise UnavailableError for another program's database, before changing anything in it."""
        tables = {name for (name,) in run(writer, TABLES)}
        if tables and not tables >= {"settings", "site_heads"}:
            raise UnavailableError("it belongs to another program and was left unchanged")

    async def close(self) -> None:
        """Close every connection; a running transaction is finished first."""
        await self._checkpointer.finish()
        async with self._writing:
            self._let_go()

    def _let_go(self) -> None:
        self._checkpointer.close()
        if self._files is not None and self._writer is not None:
            try:
                self._files.check(partial(current_stamp, self._writer))
            except UnavailableError:
                # The write-ahead log does not belong to the file that is there now.
                self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        for connection in (*self._readers, self._writer):
            if connection is not None:
                connection.close()
        self._readers.clear()
        self._writer = None
        if self._files is not None:
            self._files.close()
            self._files = None
        self._worker.stop()
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteConnection]:
        """Hold the write lock across all processes; commit durably at the end, roll back if the block raises."""
        async with self._writing:
            writer = self._writer
            if writer is None:
                raise UnavailableError("the database is closed")
            locked = time.perf_counter()
            try:
                await self._worker.run(self._lock)
                locked = time.perf_counter()
                run(writer, "BEGIN IMMEDIATE")
                connection = SqliteConnection(writer)
                try:
                    yield connection
                    if connection.discarded:
                        roll_back(writer)
                    else:
                        await self._worker.run(lambda: self._commit(writer))
                        self._checkpointer.start_if_due()
                except BaseException:
                    roll_back(writer)
                    raise
                finally:
                    if connection.overwrites:
                        run(writer, "PRAGMA secure_delete = OFF")
            finally:
                self._unlock()
                self.last_hold = time.perf_counter() - locked

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[Worker]:
        """Hold the write lock across all processes, without a transaction."""
        async with self._writing:
            if self._writer is None:
                raise UnavailableError("the database is closed")
            try:
                await self._worker.run(self._lock)
                yield self._worker
            finally:
                self._unlock()

    def migration(self) -> AbstractAsyncContextManager[SqliteConnection]:
        """A plain transaction: the write lock already serialises migrations."""
        return self.transaction()

    async def create_index(self, connection: WriteConnection, index: NewIndex) -> None:
        """Build an index in the migration's own transaction, which blocks writers."""
        await connection.script(index.sql("IF NOT EXISTS "))

    def snapshot(self) -> "SqliteSnapshot":
        """A read transaction on its own connection."""
        return SqliteSnapshot(self)

    def shared_snapshot(self) -> "SqliteSharedSnapshot":
        """The read transaction of the current event loop turn, shared by all callers within it."""
        if self._shared is None:
            self._shared = SqliteSharedSnapshot(self)
            asyncio.get_running_loop().call_soon(self._end_turn, self._shared)
        return self._shared

    def _end_turn(self, shared: "SqliteSharedSnapshot") -> None:
        self._shared = None
        shared.end_turn()

    def reader(self) -> apsw.Connection:
        """Take a read-only connection; return it with `release`."""
        if self._writer is None:
            raise UnavailableError("the database is closed")
        if self._readers:
            if time.monotonic() > self._look_at:
                self.check_files()
            return self._readers.pop()
        self.check_files()
        connection = connect(self.path, apsw.SQLITE_OPEN_READONLY)
        try:
            self.check_files()
        except ReplacedError:
            connection.close()
            raise
        return connection

    async def warm(self) -> None:
        """Open connections for reading, with their files, which would fail once file descriptors are used up."""
        readers = [self.reader() for _ in range(_WARM_READERS)]
        for each in readers:
            run(each, TABLES)
            self.release(each)

    def release(self, connection: apsw.Connection) -> None:
        """Return a read-only connection to the pool."""
        if self._writer is None:
            connection.close()
        else:
            self._readers.append(connection)

    def check_files(self) -> None:
        """Raise ReplacedError if another program deleted, replaced or overwrote the database or a file beside it.

        Logs the first such failure and the return of the files.
        """
        self._check(partial(current_stamp, self._readers[-1]) if self._readers else None)

    def _check(self, stamp: Callable[[], int] | None = None) -> Header | None:
        """`check_files` on any thread; returns the header of the database file. stamp: reads the current stamp."""
        if self._files is None:
            return None
        try:
            header = self._files.check(stamp)
        except ReplacedError as error:
            self._look_at = 0.0
            with self._telling:
                if not self._is_replaced:
                    _log.error("reads and writes are refused; put the file back or restore it", reason=str(error))
                self._is_replaced = True
            raise
        self._look_at = time.monotonic() + _LOOK_SECONDS
        with self._telling:
            if self._is_replaced:
                _log.info("the database file is back", path=str(self.path))
            self._is_replaced = False
        return header

    async def backup(self, path: str | Path) -> None:
        """Copy the current state of the database to a new file without blocking writers."""
        source = self.reader()
        try:
            await off_loop(copy_to, source, Path(path))
        finally:
            self.release(source)

    async def vacuum(self, tables: Sequence[str], *, full: bool = False) -> None:
        """Write the file anew without what deleted rows left, and empty the log. Writers wait meanwhile."""
        async with self.transaction():
            pass  # it takes the next stamp if a checkpoint came before
        await vacuum(self.path, self._check, self._locked)

    async def size(self) -> int:
        """The size of the database file in bytes."""
        try:
            return (await off_loop(self.path.stat)).st_size
        except OSError as error:
            raise unavailable("the database file cannot be read", error) from error

    async def damage(self) -> list[str]:
        """The problems found by SQLite's integrity check, which reads the whole file on a thread."""
        source = self.reader()
        try:
            rows = await off_loop(run, source, "PRAGMA integrity_check")
        except DamagedFileError as error:
            return [str(error)]
        finally:
            self.release(source)
        return [text for (text,) in rows if text != "ok"]

    def _lock(self) -> None:
        asked = time.perf_counter()
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        self.last_wait = time.perf_counter() - asked
        self._check()

    def _unlock(self) -> None:
        fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _commit(self, writer: apsw.Connection) -> None:
        try:
            stamp = current_stamp(writer)
            header = self._check(lambda: stamp)
            if header is not None and header.stamp == stamp:
                stamp = header.next_stamp()
                run(writer, f"PRAGMA user_version = {stamp}")
            run(writer, "COMMIT")
        except BaseException:
            roll_back(writer)
            raise
        try:
            self._check(lambda: stamp)
        except ReplacedError as error:
            raise UnlinkedCommitError(f"{error}; the last write was lost with it") from error


class SqliteSnapshot:
    """An async context manager that holds one read transaction."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def __aenter__(self) -> SqliteConnection:
        return self.begin()

    async def __aexit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> SqliteConnection:
        """Begin the transaction; it sees the state as of its first statement."""
        self._reader = self._engine.reader()
        try:
            run(self._reader, "BEGIN")
        except BaseException:
            self._reader.close()
            raise
        return SqliteConnection(self._reader)

    def end(self) -> None:
        """End the transaction and return its connection."""
        run(self._reader, "COMMIT")
        self._engine.release(self._reader)


class SqliteSharedSnapshot:
    """One read transaction for all lookups in one turn of the event loop; an async context manager.

    Beginning and ending a transaction, with its file locks, costs more than finding a customer. Sharing one hides no
    write: any reply or request that arrives after the transaction began is delivered by a callback queued behind the
    one that ends the turn. Callers still inside at that point keep the transaction open until they leave.
    """

    def __init__(self, engine: SqliteEngine) -> None:
        self._snapshot = SqliteSnapshot(engine)
        self._connection = self._snapshot.begin()
        self._inside = 0
        self._over = False

    async def __aenter__(self) -> SqliteConnection:
        self._inside += 1
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._inside -= 1
        if self._over and not self._inside:
            self._snapshot.end()

    def end_turn(self) -> None:
        """Admit no further callers; end the transaction once the last one leaves."""
        self._over = True
        if not self._inside:
            self._snapshot.end()
