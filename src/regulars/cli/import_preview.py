"""What was understood of a file, shown before it is imported."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regulars.importing.describing import sentences
from regulars.importing.inputs import Input, Understood
from regulars.importing.reading.delimited import DELIMITERS

_WIDTH: Final = 140
"""Characters of a line where there is no terminal."""

_NAMES: Final = {"delimited": "a table", "workbook": "a spreadsheet", "json": "JSON", "json lines": "JSON lines"}


def show_understood(source: Input) -> None:
    """Print on stderr what each table is, and a line for each column: field, three values, how many fill it."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=True, highlight=False, width=_WIDTH)
    for part in source.parts:
        if part.mapping is None:
            continue
        console.print(Text(_headline(part)))
        for sentence in sentences(part):
            console.print(Text(f"  {sentence}"))
        console.print(_table(part))


def _headline(part: Understood) -> str:
    mapping = part.mapping
    assert mapping is not None
    kind = _NAMES[part.format] if mapping.exporter is None else f"an export of {mapping.exporter.title}"
    parted = "" if part.delimiter is None else f", separated by {DELIMITERS[part.delimiter]}"
    encoding = "" if part.encoding is None else f", in {_encoding_name(part.encoding.name)}"
    return f"{part.name}: {kind} with {mapping.records:,} records{parted}{encoding}"


def _table(part: Understood) -> Table:
    assert part.mapping is not None
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("  column", "field", "filled", "values"):
        is_values = heading == "values"
        table.add_column(
            heading, justify="right" if heading == "filled" else "left", no_wrap=is_values, overflow="ellipsis"
        )
    for each in part.mapping.columns:
        values = " · ".join(" ".join(sample.split()) for sample in each.samples)
        text = f"{values}  ({each.note})" if each.note else values
        table.add_row(Text(f"  {each.name}"), Text(str(each.target)), f"{each.filled:,}", Text(text))
    return table


def _encoding_name(name: str) -> str:
    return {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp1252": "Windows-1252"}.get(name, name)
