"""What the last checkpoint left of an SQLite file, noted in the lock file beside it for every process that opens it.

In WAL mode only a checkpoint writes to the database's file, and says so in the index of the write-ahead log (the -shm
file, sqlite.org/walformat.html). Whatever changes the file's time or size without that is not SQLite.
"""

import os
import zlib
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

_INDEX: Final = Struct("=32x2I56xI28xI")
"""In the index of the log: its salts, the frames that were moved into the database, those that a checkpoint began."""

_NOTE: Final = Struct("<4IqqQQB")
_CHECKSUM: Final = Struct("<I")


class Checkpoint(NamedTuple):
    """The write-ahead log, by its salts, and how many of its frames are in the database's file or meant to be."""

    salt1: int
    salt2: int
    done: int
    begun: int

    @property
    def is_settled(self) -> bool:
        """Whether no checkpoint is under way, and the last one was not broken off."""
        return self.done == self.begun

    @classmethod
    def read(cls, index: int) -> "Checkpoint":
        """As the index of the log tells, an open file."""
        return cls(*_INDEX.unpack(os.pread(index, _INDEX.size, 0)))


class State(IntEnum):
    """What became of a database's file while it was open."""

    WHOLE = 0
    MOVED = 1
    OVERWRITTEN = 2


class Note(NamedTuple):
    """A database's file after a checkpoint. modified: in ns."""

    checkpoint: Checkpoint
    modified: int
    size: int
    device: int
    inode: int
    state: State = State.WHOLE

    @classmethod
    def of(cls, checkpoint: Checkpoint, file: os.stat_result) -> "Note":
        """The file as it is."""
        return cls(checkpoint, file.st_mtime_ns, file.st_size, file.st_dev, file.st_ino)

    def is_of(self, file: os.stat_result) -> bool:
        """Whether this is about that file, whatever is in it."""
        return (self.device, self.inode) == (file.st_dev, file.st_ino)

    def is_contradicted(self, checkpoint: Checkpoint, file: os.stat_result) -> bool:
        """Whether the file changed without a checkpoint. False if there was one, as what it wrote is not known yet."""
        return self.checkpoint == checkpoint and self != Note.of(checkpoint, file)._replace(state=self.state)

    @classmethod
    def read(cls, lock_file: int) -> "Note | None":
        """What is noted; None where nothing is, or while it is being written."""
        raw = os.pread(lock_file, _NOTE.size + _CHECKSUM.size, 0)
        if len(raw) < _NOTE.size + _CHECKSUM.size:
            return None
        body = raw[: _NOTE.size]
        if _CHECKSUM.unpack(raw[_NOTE.size :]) != (zlib.crc32(body),):
            return None
        *checkpoint, modified, size, device, inode, state = _NOTE.unpack(body)
        return cls(Checkpoint(*checkpoint), modified, size, device, inode, State(state))

    def write(self, lock_file: int) -> None:
        """Note it in place of what was noted."""
        body = _NOTE.pack(*self.checkpoint, *self[1:])
        os.pwrite(lock_file, body + _CHECKSUM.pack(zlib.crc32(body)), 0)
