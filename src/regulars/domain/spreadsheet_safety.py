"""Spreadsheet safety: cells of a CSV file that a spreadsheet would run as a formula.

`guard` puts an apostrophe before such a cell, and `unguard` takes exactly that apostrophe off again.
"""

import re
from typing import Final

GUARD: Final = "'"

_FORMULA_STARTS: Final = "=+-@\t\r\n\0＝＋－＠"
"""What a formula begins with, also in full-width characters, which some spreadsheets accept."""

_FORMULA: Final = re.compile(f"'*[{re.escape(_FORMULA_STARTS)}]")
"""The beginning of a formula. With apostrophes before it, it could be taken for a guarded cell."""

RISKY_STARTS: Final = frozenset((GUARD, *_FORMULA_STARTS))
"""The first characters of all cells that `guard` changes."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
"""A plain number or a phone number in E.164: harmless."""


def guard(cell: str) -> str:
    """The text as a spreadsheet may open it."""
    return GUARD + cell if _is_risky(cell) else cell


def unguard(cell: str) -> str:
    """The text that `guard` was given. Other apostrophes stay."""
    return cell[1:] if cell[:1] == GUARD and _is_risky(cell[1:]) else cell


def _is_risky(cell: str) -> bool:
    return _FORMULA.match(cell) is not None and _NUMBER.fullmatch(cell) is None
