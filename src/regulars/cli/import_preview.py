"""What was understood of a file, shown before it is imported."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regulars.importing.columns.targets import ATTRIBUTE
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
        for sentence in _sentences(part):
            console.print(Text(f"  {sentence}"))
        console.print(_table(part))


def understood(part: Understood) -> dict[str, Any]:
    """What was understood of a table, for JSON."""
    mapping = part.mapping
    assert mapping is not None
    return {
        "name": part.name,
        "format": part.format,
        "encoding": None if part.encoding is None else part.encoding.name,
        "separator": part.delimiter,
        "exporter": None if mapping.exporter is None else mapping.exporter.name,
        "records": mapping.records,
        "columns": [
            {
                "column": each.name,
                "field": str(each.target),
                "recognized_by": each.why,
                "values": list(each.samples),
                "filled": each.filled,
                "note": each.note,
            }
            for each in mapping.columns
        ],
        "notes": list(_sentences(part)),
    }


def _headline(part: Understood) -> str:
    mapping = part.mapping
    assert mapping is not None
    kind = _NAMES[part.format] if mapping.exporter is None else f"an export of {mapping.exporter.title}"
    parted = "" if part.delimiter is None else f", separated by {DELIMITERS[part.delimiter]}"
    encoding = "" if part.encoding is None else f", in {_encoding_name(part.encoding.name)}"
    return f"{part.name}: {kind} with {mapping.records:,} records{parted}{encoding}"


def _sentences(part: Understood) -> Iterator[str]:
    mapping, encoding = part.mapping, part.encoding
    assert mapping is not None
    if mapping.exporter is not None and mapping.exporter.note:
        yield f"Note: {mapping.exporter.note}."
    if encoding is not None and encoding.changed:
        words = ", ".join(encoding.changed)
        other = f"; if they look wrong, try --encoding {encoding.other}" if encoding.other else ""
        yield f"Some words, as they are read: {words}{other}."
    if encoding is not None and encoding.is_mixed:
        yield "Some lines are not UTF-8; those are refused. Save the file as UTF-8, or state --encoding."
    for each in mapping.columns:
        if each.date is not None and each.date.order is not None and not each.date.is_stated:
            first = "day" if each.date.order == "dmy" else "month"
            yield f"The dates of {each.name!r} have the {first} first."
    attributes = [each.name for each in mapping.columns if each.why == "unknown" and each.target.field == ATTRIBUTE]
    if attributes:
        yield f"These columns become attributes: {', '.join(attributes)}."


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
