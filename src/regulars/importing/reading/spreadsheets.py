"""Spreadsheets: XLSX, XLS and ODS, by calamine. A sheet is read whole, so its size is bounded."""

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from regulars.importing.reading.delimited import Row
from regulars.importing.reading.opening import UnreadableFileError
from regulars.importing.reading.signatures import OLD_EXCEL, ZIP

_LARGEST: Final = 1 << 30
"""Bytes that a workbook may have unpacked."""

_WORST_RATIO: Final = 200
_HARMLESS: Final = 256 << 20
_MIDNIGHT: Final = datetime.time()
_LARGEST_WHOLE: Final = 1e15
_MACROS: Final = "vbaProject.bin"


def is_workbook(head: bytes) -> bool:
    """Whether a file that begins like this, and is no archive of lists, is a workbook."""
    return head.startswith((ZIP, OLD_EXCEL))


class Workbook:
    """An open workbook. has_macros: whether it has some; nothing runs them. Raises UnreadableFileError."""

    def __init__(self, path: Path, name: str) -> None:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

        members = _members(path, name)
        self.has_macros = any(each.endswith(_MACROS) for each in members)
        self.name = name
        try:
            self._book = CalamineWorkbook.from_path(str(path))
            visible = [each.name for each in self._book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
            self._sheets = {each: self._book.get_sheet_by_name(each) for each in visible}
        except PasswordError as error:
            raise UnreadableFileError(f"{name} is protected with a password: save it without one") from error
        except (CalamineError, OSError, ValueError) as error:
            raise UnreadableFileError(f"{name} cannot be read as a spreadsheet ({error}): save it as CSV") from error

    def rows(self, sheet: str | None) -> Iterator[Row]:
        """The rows of a sheet as text; without a name, of the only sheet with rows. Raises UnreadableFileError."""
        for line, cells in enumerate(self._sheets[self._chosen(sheet)].iter_rows(), self._first_row(sheet)):
            texts = [_text(cell) for cell in cells]
            if any(texts):
                yield Row(line, texts)

    def _first_row(self, sheet: str | None) -> int:
        start = self._sheets[self._chosen(sheet)].start
        return 1 if start is None else start[0] + 1

    def _chosen(self, sheet: str | None) -> str:
        filled = [name for name, each in self._sheets.items() if each.height]
        if sheet is not None:
            if sheet in self._sheets:
                return sheet
            raise UnreadableFileError(
                f"{self.name} has no sheet {sheet!r}; it has {', '.join(map(repr, self._sheets))}"
            )
        if len(filled) > 1:
            names = ", ".join(map(repr, filled))
            raise UnreadableFileError(f"{self.name} has several sheets: choose one with --sheet, of {names}")
        if not filled:
            raise UnreadableFileError(f"{self.name} has no sheet with rows")
        return filled[0]


def _members(path: Path, name: str) -> list[str]:
    """The names of the files in a workbook, none of an old one. Raises UnreadableFileError if it is a bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        if path.read_bytes()[:2] == ZIP[:2]:
            raise UnreadableFileError(f"{name} is damaged or truncated: save or download it again") from None
        return []  # an old workbook is no archive
    size = sum(each.file_size for each in members)
    is_absurd = size > _HARMLESS and size > sum(each.compress_size for each in members) * _WORST_RATIO
    if size > _LARGEST or is_absurd:
        raise UnreadableFileError(f"{name} unpacks to {size >> 20:,} MB, which is too large: save the sheet as CSV")
    return [each.filename for each in members]


def _text(cell: Any) -> str:
    """A cell as CSV would have it: dates in ISO 8601, whole numbers without a point."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _LARGEST_WHOLE else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == _MIDNIGHT else cell.isoformat(sep=" ", timespec="seconds")
    return str(cell)
