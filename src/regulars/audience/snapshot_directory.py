"""SnapshotDirectory: the folder with a store's index snapshots, one file per site, shared by all local processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from regulars.audience.index import SiteIndex, Tuning
from regulars.audience.snapshots import restored
from regulars.audience.source import Head
from regulars.audience.structures.archive import DamagedError, Reader, Writer
from regulars.logs import Throttle

_SUFFIX: Final = ".snapshot"
trouble: Final = Throttle("regulars.audience")
"""The logger for snapshots and indexes that cannot be used."""


class SnapshotDirectory:
    """Snapshots in a folder, which is created when the first one is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, site: int) -> Path:
        """The file of a site's snapshot."""
        return self._folder / f"{site}{_SUFFIX}"

    def load(self, site: int, tuning: Tuning | None = None) -> SiteIndex:
        """The index of a site as of its snapshot. Raises DamagedError, now or later, and FileNotFoundError."""
        return restored(Reader(self.path(site)), tuning)

    def read(self, site: int, tuning: Tuning | None = None) -> SiteIndex | None:
        """The index of a site as of its snapshot; None if there is no usable one. Deletes a damaged snapshot."""
        try:
            return self.load(site, tuning)
        except FileNotFoundError:
            return None
        except (DamagedError, OSError, MemoryError) as error:
            trouble.warning("a snapshot was ignored", path=str(self.path(site)), reason=str(error))
            self.discard(site)
            return None

    def head(self, site: int) -> Head | None:
        """The head of a site's snapshot, None if there is no complete one."""
        try:
            return Head(*Reader(self.path(site)).facts["head"])
        except (DamagedError, OSError, KeyError, TypeError):
            return None

    @contextmanager
    def writing(self, site: int) -> "Iterator[Writer | None]":
        """Write a site's snapshot. It replaces the old one when the block ends, unless the block raises.

        Yields None if another process is writing one. Raises OSError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.path(site).with_suffix(".partial")
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(handle, "r+b") as file:  # noqa: PTH123 -- a descriptor
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            # The previous holder of the lock may have renamed the file that we opened: then it is a finished snapshot.
            if not partial.exists() or not os.path.samestat(partial.stat(), os.fstat(handle)):
                yield None
                return
            file.truncate(0)
            try:
                writer = Writer(file)
                yield writer
                writer.finish()
                partial.rename(self.path(site))
            except BaseException:
                with suppress(OSError):
                    partial.unlink()
                raise
        self._sync()

    def is_being_written(self, site: int) -> bool:
        """Whether a process writes a site's snapshot now."""
        try:
            with self.path(site).with_suffix(".partial").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def discard(self, site: int) -> None:
        """Delete a site's snapshot."""
        with suppress(OSError):
            self.path(site).unlink(missing_ok=True)

    def _sync(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
