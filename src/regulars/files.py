"""Files that commands write: new ones, or ones of their own kind; never a foreign file."""

import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

_MODE: Final = 0o600
"""The files contain personal data: only the owner may read them."""

_LONGEST_LINE: Final = 1 << 20
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""The errors of a file system without hard links."""


def create(path: Path) -> BinaryIO:
    """A new file that only its owner may read. Raises FileExistsError, also for a dangling link."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE), "w+b")  # noqa: PTH123


def create_beside(path: Path) -> tuple[Path, BinaryIO]:
    """A new file with an unused name in the folder of `path`; `publish` renames it to `path`."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    return partial, create(partial)


def publish(partial: Path, path: Path) -> None:
    """Give a complete file its final name, durably. Raises FileExistsError if the name is taken."""
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
    """A file to write from the beginning: new, empty, or one whose first line `is_ours` accepts.

    A device or pipe, such as /dev/stdout, is written to directly. Raises FileExistsError for any other file, which
    stays unchanged, and OSError.
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
    """Wait until a file, or the entries of a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
