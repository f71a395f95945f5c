"""File formats: items of an export as bytes, a slice at a time."""

import csv
import io
from collections.abc import Iterable
from string import ascii_letters, digits
from typing import Any, Final, Literal, Protocol

import msgspec

from regulars.domain.spreadsheet_safety import guard
from regulars.exporting.tables import ExportTable

FormatName = Literal["csv", "ndjson"]
MEDIA_TYPES: Final[dict[FormatName, str]] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}
"""The formats, with their media types."""

_HARMLESS: Final = frozenset(ascii_letters + digits)
"""The first characters of most cells, which begin no formula."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class FileFormat(Protocol):
    """A format. The file is `head`, then `slice` for each slice, then `tail`."""

    def head(self) -> bytes:
        """The beginning of the file."""
        ...

    def slice(self, items: Iterable[Any]) -> bytes:
        """A slice of items."""
        ...

    def tail(self) -> bytes:
        """The end of the file."""
        ...


class Ndjson:
    """One JSON object per line, in UTF-8."""

    def __init__(self, table: ExportTable[Any]) -> None:
        self._lines = table.lines
        self._encode = msgspec.json.Encoder().encode_lines

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def slice(self, items: Iterable[Any]) -> bytes:
        """The lines of the items."""
        return self._encode([line for item in items for line in self._lines(item)])

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class Csv:
    """CSV by RFC 4180, safe to open in a spreadsheet: with CRLF, in UTF-8.

    excel: with a byte order mark, by which Excel recognises UTF-8.
    """

    def __init__(self, table: ExportTable[Any], *, excel: bool = False, delimiter: str = ",") -> None:
        self._table = table
        self._excel = excel
        self._delimiter = delimiter
        self._json = msgspec.json.Encoder()

    def head(self) -> bytes:
        """The header."""
        mark = _BYTE_ORDER_MARK if self._excel else b""
        return mark + self._written([[guard(name) for name in self._table.header]])

    def slice(self, items: Iterable[Any]) -> bytes:
        """The rows of the items."""
        cell, row, harmless = self._cell, self._table.row, _HARMLESS
        return self._written(
            [
                [
                    value
                    if value is None or type(value) is int or (type(value) is str and value[:1] in harmless)
                    else cell(value)
                    for value in row(item)
                ]
                for item in items
            ]
        )

    def tail(self) -> bytes:
        """Nothing."""
        return b""

    def _cell(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            return guard(value)
        if value is True or value is False:
            return "true" if value else "false"
        if isinstance(value, int | float):
            return value
        return guard(self._json.encode(value).decode())

    def _written(self, rows: Iterable[Iterable[Any]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter).writerows(rows)
        return text.getvalue().encode()
