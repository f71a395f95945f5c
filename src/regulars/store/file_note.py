"""What happened to an SQLite file while it was open, recorded in the lock file beside it for all processes."""

import os
import zlib
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

_NOTE: Final = Struct("<QQB")
_CHECKSUM: Final = Struct("<I")


class State(IntEnum):
    """What happened to a database file while it was open."""

    WHOLE = 0
    MOVED = 1
    OVERWRITTEN = 2


class Note(NamedTuple):
    """A database file and its state."""

    device: int
    inode: int
    state: State = State.WHOLE

    @classmethod
    def of(cls, file: os.stat_result, state: State = State.WHOLE) -> "Note":
        """A note about this file."""
        return cls(file.st_dev, file.st_ino, state)

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
        device, inode, state = _NOTE.unpack(body)
        return cls(device, inode, State(state))

    def write(self, lock_file: int) -> None:
        """Replace the current note."""
        body = _NOTE.pack(*self)
        os.pwrite(lock_file, body + _CHECKSUM.pack(zlib.crc32(body)), 0)
