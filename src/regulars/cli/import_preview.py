"""What was understood of a file, shown before it is imported."""

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from regulars.importing.describing import sentences
from regulars.importing.inputs import Input, Understood
from regulars.importing.reading.delimited import DELIMITERS

_WIDTH: Final = 140
"""Characters of a line where there is no terminal."""

_LARGEST_CELL: Final = 40
_SMALLEST_CELL: Final = 20

_NAMES: Final = {"delimited": "a table", "workbook": "a spreadsheet", "json": "JSON", "json lines": "JSON lines"}


def show_understood(source: Input) -> None:
    """Print on stderr what each table is, and a line for each column: field, three values, how many fill it."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=True, highlight=False, width=_WIDTH)
    for part in source.parts:
        if part.mapping is None:
            continue
        console.print(Text(printable(_headline(part))))
        for sentence in sentences(part):
            console.print(Text(printable(f"  {sentence}")))
        for line in _table(part, console.width):
            console.print(Text(printable(line), no_wrap=True, overflow="ellipsis"))


def printable(text: str) -> str:
    """The text without what would control a terminal: a file may have anything in it."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _headline(part: Understood) -> str:
    mapping = part.mapping
    assert mapping is not None
    kind = _NAMES[part.format] if mapping.exporter is None else f"an export of {mapping.exporter.title}"
    parted = "" if part.delimiter is None else f", separated by {DELIMITERS[part.delimiter]}"
    encoding = "" if part.encoding is None else f", in {_encoding_name(part.encoding.name)}"
    return f"{part.name}: {kind} with {mapping.records:,} records{parted}{encoding}"


def _table(part: Understood, width: int) -> Iterator[str]:
    """The columns as lines of at most `width`; the values are cut."""
    assert part.mapping is not None
    rows = [("column", "field", "filled", "values")]
    for each in part.mapping.columns:
        values = " · ".join(" ".join(sample.split()) for sample in each.samples)
        rows.append((each.name, str(each.target), f"{each.filled:,}", values))
    first, second, third = (min(_LARGEST_CELL, max(cell_len(row[place]) for row in rows)) for place in range(3))
    rest = max(width - first - second - third - 8, _SMALLEST_CELL)
    for column, field, filled, text in rows:
        shown = text if cell_len(text) <= rest else f"{set_cell_size(text, rest - 1).rstrip()}…"
        cells = (set_cell_size(column, first), set_cell_size(field, second), filled.rjust(third), shown)
        yield f"  {'  '.join(cells)}".rstrip()


def _encoding_name(name: str) -> str:
    return {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp1252": "Windows-1252"}.get(name, name)
