"""The header of an SQLite file, read without SQLite, and the stamp in it that shows whose file it is.

In WAL mode only a checkpoint writes to the database file. SQLite therefore does not notice when another program
overwrites it: it takes the newest pages from its write-ahead log and the others from its cache. So the engine keeps a
stamp in the header (`PRAGMA user_version`), and the first commit after each checkpoint replaces it with the next one.
The file always has the current stamp or the one before it, whichever process writes, checkpoints or dies. An older
copy has an older stamp, and another database has another one, since the first stamp is random.
"""

import os
import secrets
from struct import Struct
from typing import Final, NamedTuple

_FIELDS: Final = Struct(">16s2x2s4xI32xI")
"""The magic text, the file format versions, the change counter and the user version (sqlite.org/fileformat.html)."""

_MAGIC: Final = b"SQLite format 3\0"
_WAL: Final = b"\2\2"
_STAMPS: Final = (1 << 31) - 1
"""Stamps run from 1 to this and then start again; 0 is a file without a stamp."""


class Header(NamedTuple):
    """What the file itself says, which may be older than what SQLite reads.

    counter: SQLite's change counter, which a copy made by SQLite starts again.
    """

    counter: int
    stamp: int

    @classmethod
    def read(cls, file: int) -> "Header | None":
        """The header of an open file; None if it is not an SQLite file in WAL mode."""
        raw = os.pread(file, _FIELDS.size, 0)
        if len(raw) < _FIELDS.size:
            return None
        magic, versions, counter, stamp = _FIELDS.unpack(raw)
        return cls(counter, stamp) if (magic, versions) == (_MAGIC, _WAL) else None

    def continues(self, former: "Header") -> bool:
        """Whether this can be the header of a file that had the `former` one."""
        if former.stamp and not self.stamp:
            return False
        is_later = not former.stamp or (self.stamp - former.stamp) % _STAMPS < _STAMPS // 2
        return is_later and self.counter >= former.counter

    def precedes(self, current: int, *, steps: int = 1) -> bool:
        """Whether a checkpoint could turn this file's stamp into the current one, at most `steps` later."""
        return not self.stamp or (current - self.stamp) % _STAMPS <= steps

    def next_stamp(self) -> int:
        """The stamp after this one; random for a file without one."""
        return self.stamp % _STAMPS + 1 if self.stamp else 1 + secrets.randbelow(_STAMPS)
