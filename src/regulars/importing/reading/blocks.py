"""Blocks of delimited text without quotes, whose cells are found by their positions, many at once."""

import codecs
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regulars.importing.reading.delimited import LARGEST_CELL, LONGEST_LINE, errors_of

_WITH_ASCII: Final = frozenset({"utf-8-sig", "utf-8", "cp1252", "windows-1252", "latin-1", "iso-8859-1", "ascii"})
"""Encodings in which a byte below 128 is always that character."""

_SIZE: Final = 1 << 20
_NEWLINE: Final = 10
_RETURN: Final = 13


class CellBlock(NamedTuple):
    """The records of a block. starts, ends: the place of each cell in `text`, by record and column."""

    text: bytes
    encoding: str
    starts: NDArray[Any]
    ends: NDArray[Any]

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self.starts)

    @property
    def filled(self) -> list[int]:
        """How many cells of each column are not empty."""
        return np.count_nonzero(self.ends > self.starts, axis=0).tolist()  # type: ignore[no-any-return]

    def different(self, column: int) -> list[str]:
        """The different cells of a column, those first that come first."""
        text = self.text
        places = zip(self.starts[:, column].tolist(), self.ends[:, column].tolist(), strict=True)
        cells = dict.fromkeys(text[start:end] for start, end in places)
        return [each.decode(self.encoding, errors_of(self.encoding)) for each in cells]


def lines_not_taken(
    stream: io.BufferedReader,
    encoding: str,
    delimiter: str,
    header: Sequence[str] | None,
    width: int,
    take: Callable[[CellBlock], bool],
) -> Iterator[str]:
    """The lines of a text with their ends, but for the blocks that `take` takes: it returns True for them.

    header: the names of the columns as they are written, if they are; width: the number of cells of a record.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors_of(encoding))
    names = b"\0" if header is None else delimiter.join(header).encode(encoding.removesuffix("-sig"), "replace")
    is_within_quotes = False
    for text in _blocks(stream):
        if encoding in _WITH_ASCII and not is_within_quotes and names not in text:
            found = _cell_block(text, encoding, delimiter, width)
            if found is not None and take(found):
                continue
        is_within_quotes ^= text.count(b'"') % 2 == 1
        yield from io.StringIO(decoder.decode(text), newline="")


def _blocks(stream: io.BufferedReader) -> Iterator[bytes]:
    """The rest of a stream in blocks of whole lines, which end with a newline; a line without end is cut."""
    pending = b""
    while part := stream.read(_SIZE):
        end = part.rfind(b"\n") + 1
        if end:
            yield pending + part[:end]
            pending = part[end:]
        else:
            pending += part
            if len(pending) > 2 * LONGEST_LINE:
                yield pending
                pending = b""
    if pending:
        yield pending


def _cell_block(text: bytes, encoding: str, delimiter: str, width: int) -> CellBlock | None:
    """The cells of a block, without blank records.

    None if a record is not as wide, or if the block has quotes or another peculiarity: only `csv` reads it then.
    """
    if b'"' in text or not text.endswith(b"\n") or text.count(b"\r") != text.count(b"\r\n"):
        return None
    codes = np.frombuffer(text, dtype=np.uint8)
    between = np.uint8(ord(delimiter))
    ends = np.flatnonzero((codes == between) | (codes == _NEWLINE))
    if ends.size % width:
        return None
    kinds = codes[ends].reshape(-1, width)
    if not (kinds[:, -1] == _NEWLINE).all() or not (kinds[:, :-1] == between).all():
        return None
    begins = np.empty_like(ends)
    begins[0] = 0
    begins[1:] = ends[:-1] + 1
    starts, stops = begins.reshape(-1, width), ends.reshape(-1, width)
    stops[:, -1] -= codes[stops[:, -1] - 1] == _RETURN
    sizes = stops - starts
    if int(sizes.max()) > LARGEST_CELL:
        return None
    is_blank = ~sizes.any(axis=1)
    if is_blank.any():
        starts, stops = starts[~is_blank], stops[~is_blank]
    return CellBlock(text, encoding, starts, stops)
