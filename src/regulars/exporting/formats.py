"""File formats: items of an export as bytes, a slice at a time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from types import NoneType
from typing import Any, Final, Literal, Protocol

import msgspec

from regulars.domain.spreadsheet_safety import RISKY_STARTS, guard
from regulars.exporting.tables import ExportTable, Form, is_empty

FormatName = Literal["csv", "ndjson", "parquet"]
MEDIA_TYPES: Final[dict[FormatName, str]] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
"""The formats, with their media types."""

_EMPTY_ROW: Final = '""'
"""The only cell of a row, if it is empty: a blank line is no row."""

_LINE_BREAK: Final = "\r\n"
_BETWEEN: Final = "\0"
_RISKY: Final = re.compile(f"{_BETWEEN}[{re.escape(''.join(RISKY_STARTS))}]")
"""A cell that may need a guard, in cells that follow each other."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


_PLAIN: Final[frozenset[Form]] = frozenset({"id", "uuid", "number", "moment", "money"})
"""What needs neither a guard nor quotes."""

_TEXTUAL: Final[frozenset[Form]] = frozenset({"uuid", "moment", "money"})
"""What is text or nothing."""

_TEXT: Final = frozenset({str, NoneType})


class FileFormat(Protocol):
    """A format. The file is `head`, then `slice` for each slice, then `tail`."""

    def head(self) -> bytes:
        """The beginning of the file."""
        ...

    def slice(self, items: Sequence[Any]) -> bytes:
        """A slice of items, at least one."""
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

    def slice(self, items: Sequence[Any]) -> bytes:
        """The lines of the items."""
        return self._encode(self._lines(items))

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
        self._quoted_signs = ('"', "\r", "\n", delimiter)

    def head(self) -> bytes:
        """The header."""
        mark = _BYTE_ORDER_MARK if self._excel else b""
        names = map(self._safe, ([name] for name in self._table.header))
        return mark + self._rows(names)

    def slice(self, items: Sequence[Any]) -> bytes:
        """The rows of the items."""
        return self._rows(self._texts(self._table.columns(items)))

    def tail(self) -> bytes:
        """Nothing."""
        return b""

    def _rows(self, columns: Iterable[Sequence[str]]) -> bytes:
        rows = map(self._delimiter.join, zip(*columns, strict=True))
        if len(self._table.header) == 1:
            rows = map(_filled, rows)
        return f"{_LINE_BREAK.join(rows)}{_LINE_BREAK}".encode()

    def _texts(self, columns: Iterable[Sequence[Any]]) -> Iterator[Sequence[str]]:
        """The columns as they are written; empty ones beside each other, of which there are many, as one."""
        for nothing, group in groupby(zip(columns, self._table.forms, strict=True), lambda column: is_empty(column[0])):
            if nothing:
                (first, _), *others = group
                yield (self._delimiter * len(others),) * len(first)
            else:
                yield from (self._written(cells, form) for cells, form in group)

    def _written(self, cells: Sequence[Any], form: Form) -> Sequence[str]:
        """A column as it is written."""
        if form in _TEXTUAL or _TEXT.issuperset(map(type, cells)):
            texts = [cell or "" for cell in cells] if None in cells else cells
            return texts if form in _PLAIN else self._safe(texts)
        if form in _PLAIN:
            return ["" if cell is None else str(cell) for cell in cells] if None in cells else list(map(str, cells))
        return self._safe(list(map(self._text, cells)))

    def _safe(self, texts: Sequence[str]) -> Sequence[str]:
        """A column of texts. Whether any of them needs a guard or quotes is found out for all of them at once."""
        joined = _BETWEEN + _BETWEEN.join(texts)
        if _RISKY.search(joined) is not None:
            texts = list(map(guard, texts))
        if any(sign in joined for sign in self._quoted_signs):
            return [self._quoted(text) if self._needs_quotes(text) else text for text in texts]
        return texts

    def _text(self, cell: Any) -> str:
        if isinstance(cell, str):
            return cell
        return "" if cell is None else self._json.encode(cell).decode()

    def _needs_quotes(self, text: str) -> bool:
        return any(sign in text for sign in self._quoted_signs)

    @staticmethod
    def _quoted(text: str) -> str:
        return '"{}"'.format(text.replace('"', '""'))


def _filled(row: str) -> str:
    return row or _EMPTY_ROW
