"""The state of an SQLite file after its last checkpoint, recorded in the lock file beside it for all processes.

In WAL mode only a checkpoint writes to the database file, and it is recorded in the index of the write-ahead log (the
-shm file, sqlite.org/walformat.html). If the file's time or size changes without one, something other than SQLite
wrote to it.
"""

import os
import zlib
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

_INDEX: Final = Struct("=32x2I56xI28xI")
"""Fields of the log's index: the salts, the frames copied to the database, the frames that a checkpoint set out to
copy."""

_NOTE: Final = Struct("<4IqqQQB")
_CHECKSUM: Final = Struct("<I")


class Checkpoint(NamedTuple):
    """The write-ahead log, identified by its salts, and the frames copied to the database (done) or to copy (begun)."""

    salt1: int
    salt2: int
    done: int
    begun: int

    @property
    def is_settled(self) -> bool:
        """Whether no checkpoint is running and the last one was not interrupted."""
        return self.done == self.begun

    @classmethod
    def read(cls, index: int) -> "Checkpoint":
        """Read it from the log's index. index: the descriptor of the open file."""
        return cls(*_INDEX.unpack(os.pread(index, _INDEX.size, 0)))


class State(IntEnum):
    """What happened to a database file while it was open."""

    WHOLE = 0
    MOVED = 1
    OVERWRITTEN = 2


class Note(NamedTuple):
    """A database file after a checkpoint. modified: time in ns."""

    checkpoint: Checkpoint
    modified: int
    size: int
    device: int
    inode: int
    state: State = State.WHOLE

    @classmethod
    def of(cls, checkpoint: Checkpoint, file: os.stat_result) -> "Note":
        """The current state of the file."""
        return cls(checkpoint, file.st_mtime_ns, file.st_size, file.st_dev, file.st_ino)

    def is_of(self, file: os.stat_result) -> bool:
        """Whether the note refers to this file, whatever its contents."""
        return (self.device, self.inode) == (file.st_dev, file.st_ino)

    @classmethod
    def read(cls, lock_file: int) -> "Note | None":
        """The current note; None if there is none or it is just being written."""
        raw = os.pread(lock_file, _NOTE.size + _CHECKSUM.size, 0)
        if len(raw) < _NOTE.size + _CHECKSUM.size:
            return None
        body = raw[: _NOTE.size]
        if _CHECKSUM.unpack(raw[_NOTE.size :]) != (zlib.crc32(body),):
            return None
        *checkpoint, modified, size, device, inode, state = _NOTE.unpack(body)
        return cls(Checkpoint(*checkpoint), modified, size, device, inode, State(state))

    def write(self, lock_file: int) -> None:
        """Replace the current note."""
        body = _NOTE.pack(*self.checkpoint, *self[1:])
        os.pwrite(lock_file, body + _CHECKSUM.pack(zlib.crc32(body)), 0)
