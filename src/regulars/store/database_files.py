"""Detects whether the files of an open SQLite database were deleted or replaced by another program.

SQLite notices neither. It keeps writing to a deleted file, and those writes vanish when it closes the file. And it
applies its write-ahead log to a file that was replaced, which mixes two databases into one.
"""

import os
import threading
from pathlib import Path
from typing import Final

from regulars.store.checkpoint_notes import Checkpoint, Note, State
from regulars.store.engine import ReplacedError, UnavailableError


class DatabaseFiles:
    """The database, its write-ahead log and the log's index. Create it under the write lock while all three are open.

    lock_file: the descriptor of the lock file, which also holds the note on the last checkpoint.
    """

    def __init__(self, path: Path, lock_file: int) -> None:
        self._names = _names(path)
        self._opened = [_stat(name) for name in self._names]
        self._lock_file = lock_file
        self._index = _SharedDescriptor(self._names[2])

    def check(self) -> None:
        """Raise ReplacedError unless each name still refers to the file that was opened."""
        found = [_stat(name) for name in self._names]
        note = Note.read(self._lock_file)
        for name, now, opened in zip(self._names, found, self._opened, strict=True):
            if now is None or opened is None or not os.path.samestat(now, opened):
                self._mark(note, State.MOVED)
                raise ReplacedError(f"{name} was deleted or replaced while it was open")
        self._mark(note, State.WHOLE)

    def note(self) -> None:
        """Record the state after a checkpoint, if there was one. Call it after `check`, with the write lock held."""
        checkpoint = self.checkpoint()
        note = Note.read(self._lock_file)
        if checkpoint.is_settled and (note is None or note.checkpoint != checkpoint):
            database = _stat(self._names[0])
            if database is not None:
                Note.of(checkpoint, database).write(self._lock_file)

    def checkpoint(self) -> Checkpoint:
        """How much of the write-ahead log has been copied to the database file."""
        return Checkpoint.read(self._index.number)

    def close(self) -> None:
        """Release the files; call it once no connection to them is open."""
        self._index.close()

    def _mark(self, note: Note | None, state: State) -> None:
        if note is not None and note.state is not state:
            note._replace(state=state).write(self._lock_file)


def refuse_foreign_log(path: Path, lock_file: int) -> None:
    """Raise UnavailableError if the database is known to have been replaced and the old one's log is still beside it.

    SQLite would apply that log to the new database. Call it before opening anything, with the write lock held.
    """
    name, log, index = _names(path)
    if _stat(log) is None:
        os.ftruncate(lock_file, 0)  # nobody has it open, so the note is obsolete
        return
    note, database = Note.read(lock_file), _stat(name)
    if note is None or note.state is State.WHOLE:
        return
    if database is None or not note.is_of(database):
        raise UnavailableError(
            f"{name} was replaced while it was in use, and {log} belongs to the database that was there before. Stop "
            f"every server that uses it; then delete {log} and {index} to use the database that is there now"
        )


class _SharedDescriptor:
    """A file opened for reading, shared within this process.

    Closing any descriptor of a file drops all locks that the process holds on it, including SQLite's. The descriptor
    is therefore closed only when its last user releases it.
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
    # SQLite puts its files beside the target of a symbolic link; the link itself may be redirected later.
    real = os.path.realpath(path)
    return str(path), f"{real}-wal", f"{real}-shm"


def _stat(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)  # noqa: PTH116 -- takes a third of Path's time
    except OSError:
        return None
