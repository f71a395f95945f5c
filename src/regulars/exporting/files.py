"""Files of exports: their format by their name, and writing them whole or not at all."""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from regulars import files
from regulars.exporting.customer_columns import ID
from regulars.exporting.formats import FormatName
from regulars.exporting.parquet import MAGIC, MARK

STDOUT: Final = "-"
_FORMATS: Final[dict[str, FormatName]] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}
_OURS: Final = (f'{{"{ID}":'.encode(), f"{ID},".encode(), b"\xef\xbb\xbf" + f"{ID},".encode())
"""How the files of exports begin."""

_COMPRESSION: Final = 5
_FOOTER: Final = 4096
"""Bytes at the end of a Parquet file in which the mark of an export is."""


def format_of(path: str) -> FormatName | None:
    """The format that a file's name tells, as in people.csv or people.ndjson.gz; None if it tells none."""
    return _FORMATS.get(Path(path.removesuffix(".gz")).suffix.lower())


@contextmanager
def written(path: str) -> Iterator[BinaryIO]:
    """A file to write, compressed if its name ends in .gz, or standard output for "-".

    The file gets its name when it is complete. It replaces an earlier export; raises FileExistsError if any other file
    has the name, and OSError.
    """
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = Path(path)
    replaces = place.exists()
    if replaces and not is_ours(place):
        raise FileExistsError(path)
    partial, stored = files.create_beside(place)
    try:
        with stored:
            if path.endswith(".gz"):
                with gzip.GzipFile("", "wb", _COMPRESSION, stored, mtime=0) as packed:
                    yield cast(BinaryIO, packed)
            else:
                yield stored
            stored.flush()
            os.fsync(stored.fileno())
        if replaces:
            partial.replace(place)
            files.sync(place.parent)
        else:
            files.publish(partial, place)
    finally:
        partial.unlink(missing_ok=True)


def is_ours(place: Path) -> bool:
    """Whether a file is empty or begins like an export of customers, their activity, emails or consent."""
    try:
        if not place.is_file():
            return False
        if place.stat().st_size == 0:
            return True
        with gzip.open(place) if place.suffix == ".gz" else place.open("rb") as file:
            head = file.read(64)
            if head.startswith(MAGIC):
                file.seek(max(0, place.stat().st_size - _FOOTER))
                return MARK.encode() in file.read()
            return head.startswith(_OURS)
    except (OSError, EOFError):
        return False
