"""What was understood of a file, in words and as data."""

from collections.abc import Callable, Iterator
from typing import Any

from regulars.importing.columns.targets import ATTRIBUTE
from regulars.importing.inputs import Understood


def understood(part: Understood, spelled: Callable[[str], str] = str) -> dict[str, Any]:
    """What was understood of a table, for JSON. spelled: names options in a sentence as the caller knows them."""
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
                "note": None if each.note is None else spelled(each.note),
            }
            for each in mapping.columns
        ],
        "notes": list(map(spelled, sentences(part))),
    }


def sentences(part: Understood) -> Iterator[str]:
    """What somebody should know before the table is imported."""
    mapping, encoding = part.mapping, part.encoding
    assert mapping is not None
    if part.has_macros:
        yield "The spreadsheet has macros, which are not run. Cells have the values with which it was saved."
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
    for each in mapping.columns:
        if each.note:
            yield f"{each.name!r}: {each.note}."
    attributes = [each.name for each in mapping.columns if each.why == "unknown" and each.target.field == ATTRIBUTE]
    if attributes:
        yield f"These columns become attributes: {', '.join(attributes)}."
