"""Delimited text: CSV, TSV and files with semicolons or bars, read strictly by Python's `csv`.

A record that breaks the rules is given out with what is wrong, and reading goes on with the next line. So a quote that
never closes costs one line, not the rest of the file.
"""

import csv
import io
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from regulars.importing.reading.encodings import decoded

DELIMITERS: Final[dict[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between cells, with its name."""

LARGEST_CELL: Final = 1 << 20
"""Characters of the largest cell."""

LONGEST_LINE: Final = 4 * LARGEST_CELL
"""Characters of the longest line; longer ones are cut, which makes them invalid."""

_MOST_LINES: Final = 1_000
"""Lines of the longest record; one that goes on has a quote that never closes."""

_FEWEST_LINES: Final = 50
"""The same after several of these, so that a broken file does not take long."""

_SAMPLED: Final = 200
_SEPARATOR_LINE: Final = "sep="


class Row(NamedTuple):
    """A record. line: the physical line where it begins, from 1. problem: why it cannot be taken, as a sentence."""

    line: int
    cells: list[str]
    problem: str | None = None


class _NeverClosedError(Exception):
    """A record has more lines than one may have."""


class _Lines:
    """The lines of a text, which can be put back. taken: those since it was last cleared."""

    def __init__(self, text: Iterable[str]) -> None:
        self.taken: list[str] = []
        self._text = iter(text)
        self._back: deque[str] = deque()
        self._most = _MOST_LINES

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._text)
        self.taken.append(line)
        if len(self.taken) > self._most:
            self._most = max(_FEWEST_LINES, self._most // 2)
            raise _NeverClosedError
        return line

    def put_back(self) -> None:
        """Give out again all lines taken but the first."""
        self._back.extendleft(reversed(self.taken[1:]))


def errors_of(encoding: str) -> str:
    """How bytes that are not of the encoding are read."""
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"


def text_lines(stream: io.BufferedReader, encoding: str) -> Iterator[str]:
    """The lines of a text with their ends. What is not of this encoding is given as lone surrogates."""
    with decoded(stream, encoding, errors_of(encoding), newline="") as text:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                while (rest := text.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                    pass
            yield line


def plain_cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of the records of a text, much faster than `rows`. Raises csv.Error where it breaks the rules."""
    csv.field_size_limit(LARGEST_CELL)
    return csv.reader(lines, delimiter=delimiter, strict=True)


def rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """The records of a text, without blank ones."""
    csv.field_size_limit(LARGEST_CELL)
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    before = 0
    taken = source.taken
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _NeverClosedError) as error:
            yield Row(before + 1, _leniently(taken[0], delimiter), _problem(error))
            source.put_back()
            before += 1
            continue
        line = before + 1
        before += len(taken)
        if any(cells):
            yield Row(line, cells)


def _leniently(line: str, delimiter: str) -> list[str]:
    """The cells of a line that breaks the rules, as far as they can be told."""
    if len(line) > LARGEST_CELL:
        return [line[:LARGEST_CELL]]
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _problem(error: Exception) -> str:
    if "larger than field limit" in str(error):
        return f"A cell has more than {LARGEST_CELL:,} characters; perhaps a quote before it is never closed."
    return (
        "A quote is opened and never closed, or stands within a cell: put quotes around the whole cell, and write each "
        "quote within it twice."
    )


def find_delimiter(sample: str) -> str:
    """What stands between the cells of a text that begins like this: that by which most records are equally wide."""
    stated = sample[:20].lower()
    if stated.startswith(_SEPARATOR_LINE) and sample[4:5] in DELIMITERS:
        return sample[4]
    return max(DELIMITERS, key=lambda delimiter: _score(sample, delimiter))


def _score(sample: str, delimiter: str) -> tuple[float, int]:
    lines = sample.splitlines(keepends=True)[:_SAMPLED]
    widths: Counter[int] = Counter()
    try:
        widths.update(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
    except csv.Error:
        return 0.0, 0
    if not widths:
        return 0.0, 0
    (width, count), *_ = widths.most_common(1)
    return (count / widths.total(), width) if width > 1 else (0.0, 1)


def is_separator_line(row: Row) -> bool:
    """Whether this is the line `sep=;`, by which spreadsheets are told what separates cells."""
    return row.line == 1 and "".join(row.cells).lower().startswith(_SEPARATOR_LINE) and len("".join(row.cells)) <= 5
