"""The files of an open SQLite database, and whether they are still the ones that were opened.

SQLite goes on writing into a file that was deleted or replaced, and all of that is gone when it closes it.
"""

import os
from pathlib import Path
from typing import NamedTuple

from regulars.store.engine import ReplacedError


class _Identity(NamedTuple):
    device: int
    inode: int


class DatabaseFiles:
    """The database, its write-ahead log and the index of that: made while all three are open, which keeps them alive.

    Nobody but an outsider replaces any of them while one connection is open.
    """

    def __init__(self, path: Path) -> None:
        # SQLite puts its files beside the one that a link leads to; the link may be turned elsewhere.
        real = os.path.realpath(path)
        names = (str(path), f"{real}-wal", f"{real}-shm")
        self._opened = [(name, _identity(name)) for name in names]

    def check(self) -> None:
        """Raise ReplacedError unless each name leads to the file that was opened. Takes 4 us."""
        for name, opened in self._opened:
            if _identity(name) != opened:
                raise ReplacedError(f"{name} was deleted or replaced while it was open")


def _identity(name: str) -> _Identity | None:
    try:
        found = os.stat(name)  # noqa: PTH116 -- a third of what Path takes
    except OSError:
        return None
    return _Identity(found.st_dev, found.st_ino)
