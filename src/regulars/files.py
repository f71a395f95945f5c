"""Files that a command writes: a new one, or one of the same kind as before; never one that is somebody else's."""

import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

_MODE: Final = 0o600
"""What is written is about people: the owner alone may read it."""

_LONGEST_LINE: Final = 1 << 20
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a file system without hard links says."""


def create(path: Path) -> BinaryIO:
    """A new file that its owner alone may read. Raises FileExistsError, also for a link that leads nowhere."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE), "w+b")  # noqa: PTH123


def create_beside(path: Path) -> tuple[Path, BinaryIO]:
    """A new file in the folder of `path`, under a name that nothing has, to become `path` by `publish`."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    return partial, create(partial)


def publish(partial: Path, path: Path) -> None:
    """Give a complete file its name, durably. Raises FileExistsError when there is a file of that name."""
    try:
        os.link(partial, path)  # a rename would replace what is there
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        partial.rename(path)
    else:
        partial.unlink()
    sync(path.parent)


def rewrite(path: Path, is_ours: Callable[[bytes], bool]) -> BinaryIO:
    """A file to be written from its beginning: new, empty, or one whose first line `is_ours` knows.

    A device or pipe, such as /dev/stdout, is written to as it is. Raises FileExistsError for any other file, which
    stays as it was, and OSError.
    """
    try:
        return create(path)
    except FileExistsError:
        pass
    if not path.is_file():
        return path.open("wb")
    file = path.open("r+b")
    try:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            first = file.readline(_LONGEST_LINE)
            if first and not is_ours(first):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            file.seek(0)
            file.truncate()
    except BaseException:
        file.close()
        raise
    return file


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
