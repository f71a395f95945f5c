"""The table in a file: where its header stands, and which rows belong to it."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, dropwhile, islice
from operator import itemgetter
from typing import Final, NamedTuple

from regulars.importing.reading.delimited import Row, is_separator_line
from regulars.importing.reading.opening import UnreadableFileError

CHUNK: Final = 300
"""Records that are looked at together: so few that Python's garbage collector, which starts at 700, need not run."""

_LOOKED_AT: Final = 200
_MOST_COLUMNS: Final = 2_000
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060\u00ad"


class CellTable(NamedTuple):
    """A table. rows: those below the header; each is as wide as the header, or says what is wrong.

    top: the header as it is written; None if the first row is already a record, so that the columns are numbered.
    """

    header: list[str]
    rows: Iterator[Row]
    top: list[str] | None

    def chunks(self, written: Iterator[list[str]]) -> Iterator[list[list[str]]]:
        """The cells of good records in chunks, from all that are written in the file."""
        if self.top is not None:
            written = dropwhile(self.top.__ne__, written)
        width, top = len(self.header), self.top
        while chunk := list(islice(written, CHUNK)):
            if set(map(len, chunk)) == {width} and all(map(_first, chunk)) and top not in chunk:
                yield chunk
                continue
            yield [each for each in chunk if len(each) == width and (each[0] or any(each)) and each != top]


def table_of(rows: Iterator[Row], name: str, is_record: Callable[[list[str]], bool]) -> CellTable:
    """Find the header in rows. is_record: whether cells are those of a record. Raises UnreadableFileError.

    Lines above the header, such as a title, have fewer cells than most.
    """
    first = list(islice(rows, _LOOKED_AT))
    if first and is_separator_line(first[0]):
        del first[0]
    usual = Counter(len(row.cells) for row in first if row.problem is None)
    if not usual:
        problem = next((row.problem for row in first if row.problem), None)
        raise UnreadableFileError(f"{name} is empty" if problem is None else f"{name}, line {first[0].line}: {problem}")
    width = max(usual, key=lambda each: (usual[each], each))
    while len(first) > 1 and len(first[0].cells) < width and first[0].problem is None and _is_title(first[0].cells):
        del first[0]
    top = first[0]
    if len(top.cells) > _MOST_COLUMNS:
        raise UnreadableFileError(f"{name} has {len(top.cells):,} columns; {_MOST_COLUMNS:,} are allowed")
    if top.problem is not None:
        raise UnreadableFileError(f"{name}, line {top.line}: {top.problem} It has the names of the columns.")
    if is_record(top.cells):
        header = [f"column {place}" for place in range(1, len(top.cells) + 1)]
        return CellTable(header, _as_wide(chain(first, rows), header, None), None)
    header = [_bare(cell) for cell in top.cells]
    while len(header) > 1 and not header[-1]:
        header.pop()
    return CellTable(header, _as_wide(chain(first[1:], rows), header, top.cells), top.cells)


def _as_wide(rows: Iterator[Row], header: list[str], top: list[str] | None) -> Iterator[Row]:
    """Rows with what is wrong about their width. Repetitions of the header, as in joined files, are left out."""
    width = len(header)
    for row in rows:
        cells = row.cells
        if row.problem is None and len(cells) != width:
            if not any(cells[width:]) and len(cells) > width:
                yield Row(row.line, cells[:width])
                continue
            yield Row(row.line, cells, _ragged(len(cells), width))
        elif cells != top:
            yield row


def _ragged(count: int, width: int) -> str:
    return (
        f"The line has {count} cells and the header {width}. Put a value that contains the separator or a line break "
        "in quotes, and keep the separators of empty cells."
    )


_first: Final = itemgetter(0)


def _is_title(cells: list[str]) -> bool:
    return sum(map(bool, cells)) <= 1


def _bare(heading: str) -> str:
    return " ".join(heading.strip(_INVISIBLE).replace("\u00a0", " ").split())
