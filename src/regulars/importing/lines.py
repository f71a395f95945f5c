"""The input of an import: a plain or gzipped file or standard input, with read progress."""

import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

LONGEST_LINE: Final = 4 * 1024 * 1024
"""Longest line in bytes; longer ones are truncated, which makes them invalid."""

_STDIN: Final = "-"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class UnreadableFileError(Exception):
    """The file cannot be opened or read to its end; the message gives the reason in one sentence."""


class Line(NamedTuple):
    """A non-blank line with its line number, starting at 1."""

    number: int
    raw: bytes


class Source:
    """The lines of an open file. size: stored size in bytes, None if unknown."""

    def __init__(self, name: str, stored: BinaryIO, lines: BinaryIO, size: int | None) -> None:
        self.name = name
        self.size = size
        self._stored = stored
        self._lines = lines

    @property
    def position(self) -> int:
        """The number of stored bytes read so far."""
        return 0 if self.size is None else self._stored.tell()

    def __iter__(self) -> Iterator[Line]:
        """Iterate over the lines. Raises UnreadableFileError if the rest of the file cannot be read."""
        number = 0
        try:
            while raw := self._lines.readline(LONGEST_LINE):
                if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                    self._skip_line()
                number += 1
                if number == 1:
                    raw = raw.removeprefix(_BYTE_ORDER_MARK)
                    self._refuse_other_formats(raw)
                if not raw.isspace():
                    yield Line(number, raw)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"{self.name} cannot be read after line {number}: {error}") from error

    def _refuse_other_formats(self, first: bytes) -> None:
        found = _other_format(first)
        if found is not None:
            raise UnreadableFileError(f"{self.name} {found}; nothing was imported")

    def _skip_line(self) -> None:
        while (rest := self._lines.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass


def can_be_read_twice(path: str) -> bool:
    """Whether this names a regular file, which can be read twice, unlike standard input or a pipe."""
    return path != _STDIN and Path(path).is_file()


def _other_format(first: bytes) -> str | None:
    """What format a file has, judging by its first line, if it is not one JSON object per line, and how to fix that."""
    text = first.strip()
    if first.startswith(b"\x1f\x8b"):
        return "is compressed with gzip: rename it so that it ends in .gz, or pipe it through `zcat`"
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in first[:4]:
        return "is UTF-16 or UTF-32 text: convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"
    if first.startswith(b"PK\x03\x04"):
        return "is a ZIP archive or a spreadsheet: export it as one JSON object per line"
    if text.startswith(b"[") and (text == b"[" or b"{" in text):
        return "is a JSON array: convert it to one object per line, for example with `jq -c '.[]'`"
    if text == b"{":
        return "has JSON objects that span several lines: convert it to one object per line, for example with `jq -c .`"
    if text and not text.startswith((b"{", b"[")) and any(text.count(mark) for mark in (b",", b";", b"\t")):
        return f"looks like CSV, {_AS_CSV}"
    if _COLUMN.fullmatch(text):
        return f"looks like CSV with one column, {_AS_CSV}"
    return None


_AS_CSV: Final = "because its first line is not a JSON object: convert it to one JSON object per line"
_COLUMN: Final = re.compile(rb"""(["']?)(?!(?:true|false|null)\1$)[A-Za-z_\x80-\xff][\w\x80-\xff .@+-]*\1""")
"""The heading of a column, or an address."""


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a file by name (gzipped if it ends in .gz), or standard input for "-". Raises UnreadableFileError."""
    if path == _STDIN:
        yield Source("standard input", sys.stdin.buffer, sys.stdin.buffer, None)
        return
    with ExitStack() as stack:
        try:
            stored = stack.enter_context(Path(path).open("rb"))
            size = Path(path).stat().st_size
        except OSError as error:
            raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error
        lines = stack.enter_context(gzip.open(stored, "rb")) if path.endswith(".gz") else stored
        yield Source(path, stored, lines, size)  # type: ignore[arg-type]
