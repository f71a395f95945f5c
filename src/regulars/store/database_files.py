"""The files of an open SQLite database: whether they are those that were opened, and hold what SQLite wrote there.

SQLite notices neither. It goes on writing into a file that was deleted, and all of that is gone when it closes it; and
it lays its write-ahead log over a file that was overwritten in place, or put in place of another, which mixes two
databases into one.
"""

import os
import threading
from pathlib import Path
from typing import Final

from regulars.store.checkpoint_notes import Checkpoint, Note, State
from regulars.store.engine import ReplacedError, UnavailableError


class DatabaseFiles:
    """The database, its write-ahead log and the index of that: made while all three are open, under the write lock.

    lock_file: the descriptor of the file that is locked, where it is noted what a checkpoint left.
    """

    def __init__(self, path: Path, lock_file: int) -> None:
        self._names = _names(path)
        self._opened = [_stat(name) for name in self._names]
        self._lock_file = lock_file
        self._index = _SharedDescriptor(self._names[2])

    def check(self) -> None:
        """Raise ReplacedError unless each name leads to the file that was opened, and nobody else wrote to it."""
        before = self.checkpoint()
        found = [_stat(name) for name in self._names]
        note = Note.read(self._lock_file)
        for name, now, opened in zip(self._names, found, self._opened, strict=True):
            if now is None or opened is None or not os.path.samestat(now, opened):
                self._mark(note, State.MOVED)
                raise ReplacedError(f"{name} was deleted or replaced while it was open")
        database = found[0]
        if note is None or database is None:
            return
        is_at_rest = before.is_settled and before == self.checkpoint()
        if note.state is State.OVERWRITTEN or (is_at_rest and note.is_contradicted(before, database)):
            self._mark(note, State.OVERWRITTEN)
            raise ReplacedError(f"{self._names[0]} was overwritten while it was open")
        self._mark(note, State.WHOLE)

    def note(self) -> None:
        """Note what a checkpoint left, if there was one. To be called with the write lock held, after `check`."""
        checkpoint = self.checkpoint()
        note = Note.read(self._lock_file)
        if checkpoint.is_settled and (note is None or note.checkpoint != checkpoint):
            database = _stat(self._names[0])
            if database is not None:
                Note.of(checkpoint, database).write(self._lock_file)

    def checkpoint(self) -> Checkpoint:
        """How far the write-ahead log is in the database's file."""
        return Checkpoint.read(self._index.number)

    def close(self) -> None:
        """Let go of the files, once no connection to them is open."""
        self._index.close()

    def _mark(self, note: Note | None, state: State) -> None:
        if note is not None and note.state is not state:
            note._replace(state=state).write(self._lock_file)


def refuse_foreign_log(path: Path, lock_file: int) -> None:
    """Raise UnavailableError if the database was seen replaced and the log of the former one still is beside it.

    SQLite would take it for the log of the database that is there now. To be called before anything is opened, with
    the write lock held.
    """
    name, log, index = _names(path)
    if _stat(log) is None:
        os.ftruncate(lock_file, 0)  # nobody has it open, and what is noted is over
        return
    note, database = Note.read(lock_file), _stat(name)
    if note is None or note.state is State.WHOLE:
        return
    if note.state is State.OVERWRITTEN or database is None or not note.is_of(database):
        raise UnavailableError(
            f"{name} was replaced while it was in use, and {log} belongs to the database that was there before. Stop "
            f"every server that uses it; then delete {log} and {index} to use the database that is there now"
        )


class _SharedDescriptor:
    """A file open for reading, once for all who ask for it in this process.

    To close any descriptor of a file takes all locks that the process has on it, SQLite's own as well: it is closed
    when the last of those who opened a database lets it go.
    """

    _open: Final[dict[tuple[int, int], list[int]]] = {}
    _changing: Final = threading.Lock()

    def __init__(self, name: str) -> None:
        with self._changing:
            found = os.stat(name)  # noqa: PTH116
            self._file = found.st_dev, found.st_ino
            if self._file not in self._open:
                self._open[self._file] = [os.open(name, os.O_RDONLY | os.O_CLOEXEC), 0]
            self._open[self._file][1] += 1
            self.number = self._open[self._file][0]

    def close(self) -> None:
        with self._changing:
            self._open[self._file][1] -= 1
            if not self._open[self._file][1]:
                os.close(self._open.pop(self._file)[0])


def _names(path: Path) -> tuple[str, str, str]:
    # SQLite puts its files beside the one that a link leads to; the link may be turned elsewhere.
    real = os.path.realpath(path)
    return str(path), f"{real}-wal", f"{real}-shm"


def _stat(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)  # noqa: PTH116 -- a third of what Path takes
    except OSError:
        return None
