"""Opening what is imported: a file, a member of a ZIP archive, or standard input; gzip is decompressed."""

import gzip
import io
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, NamedTuple, Protocol, cast

from regulars.importing.reading.signatures import EMPTY_ZIP, GZIP, ZIP

STDIN: Final = "-"
HEAD: Final = 64 * 1024
"""Bytes by which a format is recognised."""

_HARMLESS: Final = 64 * 1024 * 1024
_LARGEST_RATIO: Final = 200
"""Lists shrink to a tenth, or a fiftieth if they repeat themselves; what shrinks more is made to fill a disk."""

_LARGEST_WORKBOOKS: Final = 256 * 1024 * 1024
"""Bytes of the spreadsheets in an archive, which are unpacked to temporary files."""

_WORKBOOK: Final = "[Content_Types].xml"
_OPEN_DOCUMENT: Final = "mimetype"


NOTHING: Final = "nothing was imported"


class UnreadableFileError(Exception):
    """The file cannot be opened or read to its end; the message gives the reason in one sentence.

    taken: what was imported of it before.
    """

    taken = NOTHING

    def __str__(self) -> str:
        """The reason, and what was imported."""
        return f"{super().__str__()}; {self.taken}"


class Closing(Protocol):
    """Something that can be closed."""

    def close(self) -> object:
        """Close it."""
        ...


class Stream(NamedTuple):
    """An open part. position: how much of `FilePart.size` has been read. owned: what is to be closed with it."""

    bytes: "io.BufferedReader[Any]"
    position: Callable[[], int]
    owned: tuple[Closing, ...] = ()

    def close(self) -> None:
        """Close what was opened for this part."""
        for each in self.owned:
            each.close()


class FilePart(NamedTuple):
    """One list: the file itself, or a member of a ZIP archive. size: in the units of `Stream.position`; None: unknown.

    path: of the file that is the list, None if it has to be unpacked or is a pipe.
    open: opens it at its beginning, as often as needed unless it is a pipe.
    """

    name: str
    size: int | None
    open: Callable[[], Stream]
    path: Path | None = None


class Opened(NamedTuple):
    """What was given. is_repeatable: whether its parts can be opened more than once."""

    name: str
    parts: tuple[FilePart, ...]
    is_repeatable: bool


@contextmanager
def opened(path: str, name: str | None = None) -> Iterator[Opened]:
    """Open a file, or standard input for "-". Raises UnreadableFileError. name: what it is called, if not by its path.

    JSON from a pipe is read as it comes. Anything else is copied to a temporary file, as it has to be read twice.
    """
    with ExitStack() as stack:
        yield _opened(path, name, stack)


def _opened(path: str, name: str | None, stack: ExitStack) -> Opened:
    if path != STDIN and Path(path).is_file():
        return _parts_of(Path(path), name or path, stack)
    name = name or ("standard input" if path == STDIN else path)
    stream = stack.enter_context(_pipe(path))
    if stream.peek(HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return Opened(name, (FilePart(name, None, lambda: Stream(stream, lambda: 0)),), is_repeatable=False)
    return _parts_of(_copied(stream, stack), name, stack)


def _copied(stream: IO[bytes], stack: ExitStack) -> Path:
    """A temporary file with what a stream has."""
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="regulars-import-"))  # noqa: SIM115
    shutil.copyfileobj(stream, copy)
    copy.flush()
    return Path(copy.name)


@contextmanager
def _pipe(path: str) -> Iterator[io.BufferedReader]:
    if path == STDIN:
        yield cast(io.BufferedReader, sys.stdin.buffer)
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error
        yield stream


def _parts_of(path: Path, name: str, stack: ExitStack) -> Opened:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UnreadableFileError(f"{name} cannot be read: {error.strerror}") from error
    if head == EMPTY_ZIP:
        raise UnreadableFileError(f"{name} is an empty ZIP archive")
    if head == ZIP and not is_spreadsheet(path):
        return Opened(name, _members(path, name, stack), is_repeatable=True)
    return Opened(name, (FilePart(name, size, lambda: _decompressed(path.open("rb"), name), path),), is_repeatable=True)


def is_spreadsheet(path: Path) -> bool:
    """Whether a ZIP archive is a workbook of Excel or an OpenDocument file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False
    return _WORKBOOK in names or _OPEN_DOCUMENT in names


def _decompressed(stored: io.BufferedReader, name: str) -> Stream:
    if stored.peek(2)[:2] != GZIP:
        return Stream(stored, stored.tell, (stored,))
    unpacked = gzip.GzipFile(fileobj=stored)
    buffered = io.BufferedReader(_Unpacked(unpacked, name, stored.tell), HEAD)
    return Stream(buffered, stored.tell, (buffered, unpacked, stored))


def _members(path: Path, name: str, stack: ExitStack) -> tuple[FilePart, ...]:
    """The lists in a ZIP archive. Spreadsheets are unpacked, as they are read from a file."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [each for each in archive.infolist() if not each.is_dir() and not _is_extra(each.filename)]
    except (zipfile.BadZipFile, OSError) as error:
        raise UnreadableFileError(f"{name} is a damaged or truncated ZIP archive: get it again ({error})") from error
    if not found:
        raise UnreadableFileError(f"{name} is a ZIP archive without files")
    for each in found:
        member = f"{name}: {each.filename}"
        if each.flag_bits & 1:
            raise UnreadableFileError(f"{member} is encrypted: unpack the archive with its password")
        if PurePosixPath(each.filename).suffix.lower() == ".zip":
            raise UnreadableFileError(f"{member} is an archive in an archive: unpack it first")
        if each.file_size > _HARMLESS and each.file_size > each.compress_size * _LARGEST_RATIO:
            raise UnreadableFileError(_bomb(member))
    size = sum(each.file_size for each in found if _is_spreadsheet_name(each.filename))
    if size > _LARGEST_WORKBOOKS:
        raise UnreadableFileError(f"{name} has spreadsheets of {size >> 20:,} MB: unpack it and import them one by one")
    return tuple(
        FilePart(
            each.filename,
            each.file_size,
            open_it := _member(path, each.filename, name),
            _unpacked(open_it, f"{name}: {each.filename}", stack) if _is_spreadsheet_name(each.filename) else None,
        )
        for each in found
    )


def _unpacked(open_it: Callable[[], Stream], name: str, stack: ExitStack) -> Path:
    stream = open_it()
    try:
        return _copied(stream.bytes, stack)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{name} cannot be unpacked: {error}") from error
    finally:
        stream.close()


def _is_spreadsheet_name(filename: str) -> bool:
    return PurePosixPath(filename).suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods")


def _member(path: Path, member: str, name: str) -> Callable[[], Stream]:
    def open_it() -> Stream:
        archive = zipfile.ZipFile(path)
        try:
            stream = archive.open(member)
        # Reason: zipfile raises NotImplementedError for a member that is packed in a way that it does not know.
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            archive.close()
            raise UnreadableFileError(f"{name}: {member} cannot be unpacked: {error}") from error
        buffered = io.BufferedReader(cast(io.RawIOBase, stream), HEAD)
        return Stream(buffered, stream.tell, (buffered, archive))

    return open_it


def _is_extra(filename: str) -> bool:
    """Whether a file in an archive was added by the system that packed it."""
    return filename.startswith("__MACOSX/") or PurePosixPath(filename).name.startswith(".")


def _bomb(name: str) -> str:
    return f"{name} unpacks to more than {_LARGEST_RATIO} times its size, which no list does; nothing more was read"


class _Unpacked(io.RawIOBase):
    """Decompressed bytes, as long as they are not absurdly many for what is stored."""

    def __init__(self, stream: gzip.GzipFile, name: str, position: Callable[[], int]) -> None:
        self._stream = stream
        self._name = name
        self._position = position
        self._count = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Read on. Raises UnreadableFileError."""
        try:
            data = self._stream.read(len(buffer))
        except EOFError as error:
            raise UnreadableFileError(f"{self._name} is a truncated gzip file: get it again") from error
        except (OSError, zlib.error) as error:
            raise UnreadableFileError(f"{self._name} is a damaged gzip file: get it again ({error})") from error
        self._count += len(data)
        if self._count > _HARMLESS and self._count > self._position() * _LARGEST_RATIO:
            raise UnreadableFileError(_bomb(self._name))
        buffer[: len(data)] = data
        return len(data)
