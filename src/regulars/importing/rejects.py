"""Rejects: the refused lines of an import, in the form of the file, each with the reason.

A table is written as CSV with its own columns and the reason in columns of ours; mended, it can be imported as it is.
Of other files each line is one JSON object with the line and the reason.
"""

import csv
import io
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, Protocol

import msgspec

from regulars.domain.faults import RefusedError
from regulars.importing.columns.recognition import REJECT_COLUMNS
from regulars.importing.inputs import Input, Understood
from regulars.importing.lines import Line
from regulars.importing.reading.json_lines import REJECT_FIELDS

_LONGEST_RAW: Final = 64 * 1024
"""How much of a refused line the reject file repeats (bytes)."""


class Rejects(Protocol):
    """Takes refused lines."""

    def write(self, line: Line, refusal: RefusedError) -> None:
        """Write a refused line with the reason."""
        ...


def rejects_of(source: Input, stream: BinaryIO) -> Rejects:
    """Write the refused lines of a file to a stream."""
    return _TableRejects(stream, source.parts) if source.is_table else _LineRejects(stream)


def suffix_of(source: Input) -> str:
    """How the name of the file with the rejects ends."""
    return "csv" if source.is_table else "ndjson"


def is_reject(line: bytes) -> bool:
    """Whether this is the first line of a reject file."""
    if line.rstrip(b"\r\n").endswith(REJECT_COLUMNS[-1].encode()):
        return True
    try:
        found = msgspec.json.decode(line)
    except ValueError:
        return False
    return isinstance(found, dict) and list(found) == REJECT_FIELDS


class _LineRejects:
    """Refused lines as JSON objects, one a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: Line, refusal: RefusedError) -> None:
        raw = line.raw[:_LONGEST_RAW].rstrip(b"\r\n").decode(errors="backslashreplace")
        faults = [msgspec.structs.asdict(fault) for fault in refusal.faults]
        values: tuple[Any, ...] = (line.number, refusal.code, refusal.sentence, faults, raw)
        self._stream.write(msgspec.json.encode(dict(zip(REJECT_FIELDS, values, strict=True))) + b"\n")


class _TableRejects:
    """Refused records under the columns of their table, with the place and the reason."""

    def __init__(self, stream: BinaryIO, parts: Sequence[Understood]) -> None:
        self._stream = stream
        self._parts = parts
        self._header = list(dict.fromkeys(name for part in parts for name in part.header))
        self._has_names = len({tuple(part.header) for part in parts}) > 1
        self._delimiter = parts[0].delimiter or ","
        self._has_begun = False

    def write(self, line: Line, refusal: RefusedError) -> None:
        record = line.record
        assert record is not None
        part = self._parts[record.part]
        fault = refusal.faults[0]
        column = _column_of(part, fault.field)
        value = "" if column is None or column >= len(record.cells) else record.cells[column]
        name = fault.field if column is None else part.header[column]
        for cells in (record.cells, *record.others):
            self._write([*self._as_wide(part, cells), name, value, str(record.line), refusal.sentence])

    def _as_wide(self, part: Understood, cells: list[str]) -> list[str]:
        """The cells under their headings, so that the reason stands under its own."""
        if self._has_names:
            named = dict(zip(part.header, cells, strict=False))
            cells = [named.get(name, "") for name in self._header]
        width = len(self._header)
        if len(cells) > width:
            return [*cells[: width - 1], (part.delimiter or ",").join(cells[width - 1 :])]
        return [*cells, *[""] * (width - len(cells))]

    def _write(self, cells: Sequence[str]) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._write([*self._header, *REJECT_COLUMNS])
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter).writerow(cells)
        self._stream.write(text.getvalue().encode(errors="surrogateescape"))


def _column_of(part: Understood, field: str) -> int | None:
    """The place of the column that a fault is about."""
    if part.mapping is None:
        return None
    first, last = field.partition(".")[0], field.rpartition(".")[2]
    for each in part.mapping.columns:
        if each.name == field or (each.target.key or _BODY_KEYS.get(each.target.field, each.target.field)) in (
            first,
            last,
        ):
            return each.place
    return None


_BODY_KEYS: Final = {
    "phone": "phone_number",
    "mobile": "mobile_phone_number",
    "control_bucket": "bsft_control_bucket",
    "newsletters": "subscription_groups",
}
