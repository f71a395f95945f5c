"""Detects whether the files of an open SQLite database were deleted, replaced or overwritten by another program.

SQLite notices none of these. It keeps writing to a deleted file, and those writes vanish when it closes the file. And
it applies its write-ahead log to a file that was overwritten or replaced, which mixes two databases into one.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from regulars.store.engine import ReplacedError, UnavailableError
from regulars.store.file_header import Header
from regulars.store.file_note import Note, State

_STEPS_AT_START: Final = 2
"""How many stamps the file may lag behind its log when it is opened.

After a power cut the file can lack a checkpoint during which another process already took the next stamp.
"""


class DatabaseFiles:
    """The database, its write-ahead log and the log's index. Create it under the write lock while all three are open.

    lock_file: the descriptor of the lock file, which also holds the note on the database file.
    stamp: the current stamp, as read by SQLite. Raises UnavailableError unless the log belongs to the file.
    """

    def __init__(self, path: Path, lock_file: int, stamp: int) -> None:
        self._names = _names(path)
        self._opened = [_stat(name) for name in self._names]
        self._lock_file = lock_file
        self._checking = threading.Lock()
        self._database = _SharedDescriptor(self._names[0])
        header = Header.read(self._database.number)
        if header is None or not header.precedes(stamp, steps=_STEPS_AT_START):
            self._database.close()
            raise _foreign_log(path)
        self._header = header
        if self._opened[0] is not None:
            Note.of(self._opened[0]).write(lock_file)

    def check(self, stamp: Callable[[], int] | None = None) -> Header:
        """Raise ReplacedError unless the files are those that were opened and only SQLite wrote to them.

        stamp: reads the current stamp through SQLite. Returns the header of the database file.
        """
        found = [_stat(name) for name in self._names]
        note = Note.read(self._lock_file)
        for name, now, opened in zip(self._names, found, self._opened, strict=True):
            if now is None or opened is None or not os.path.samestat(now, opened):
                self._mark(note, State.MOVED)
                raise ReplacedError(f"{name} was deleted or replaced while it was open")
        header = self._check_header()
        while stamp is not None and header is not None:
            current = stamp()
            again = self._check_header()
            if again == header:
                header = header if header.precedes(current) else None
                break
            header = again  # a checkpoint came between
        if header is None or (note is not None and note.state is State.OVERWRITTEN):
            self._mark(note, State.OVERWRITTEN)
            raise ReplacedError(f"{self._names[0]} was overwritten while it was open")
        self._mark(note, State.WHOLE)
        return header

    def close(self) -> None:
        """Release the files; call it once no connection to them is open."""
        self._database.close()

    def _check_header(self) -> Header | None:
        with self._checking:  # or a thread could compare what it read with what another thread read later
            header = Header.read(self._database.number)
            if header is None or not header.continues(self._header):
                return None
            self._header = header
            return header

    def _mark(self, note: Note | None, state: State) -> None:
        if note is not None and note.state not in {state, State.OVERWRITTEN}:
            note._replace(state=state).write(self._lock_file)


def refuse_foreign_log(path: Path, lock_file: int) -> None:
    """Raise UnavailableError if the database is known to have been replaced and the old one's log is still beside it.

    SQLite would apply that log to the new database. Call it before opening anything, with the write lock held.
    """
    name, log, _ = _names(path)
    if _stat(log) is None:
        os.ftruncate(lock_file, 0)  # nobody has it open, so the note is obsolete
        return
    note, database = Note.read(lock_file), _stat(name)
    if note is None or note.state is State.WHOLE:
        return
    if note.state is State.OVERWRITTEN or database is None or not note.is_of(database):
        raise _foreign_log(path)


def _foreign_log(path: Path) -> UnavailableError:
    name, log, index = _names(path)
    return UnavailableError(
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
