"""Cleaning cells: what programs put around a value, and words that stand for none."""

import re
from collections.abc import Iterable
from typing import Final

NULL_WORDS: Final = frozenset({"NULL", "\\N", "#N/A", "(null)", "<null>", "NaN"})
"""Texts that databases and spreadsheets write for no value, exactly as here: Null is also a name."""

_INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"))
_SPACES: Final = {ord("\u00a0"): " ", ord("\u202f"): " ", ord("\u2007"): " "}
_FORMULA_TEXT: Final = re.compile(r'="(.*)"', re.DOTALL)
_APOSTROPHED: Final = re.compile(r"'[-+=@\d]")
_DAMAGED: Final = re.compile(r"\d[.,]\d+E[+-]?\d+|#{3,}", re.IGNORECASE)

DAMAGED: Final = "a spreadsheet has cut this number off; export the file again and do not open it in between"


def cleaned(cell: str) -> str:
    """A cell without what is invisible and spaces around it, and out of `="..."` and an apostrophe for spreadsheets."""
    if not cell.isascii():
        cell = cell.translate(_SPACES).translate(_INVISIBLE)
    cell = cell.strip()
    if cell[:1] == "=" and (quoted := _FORMULA_TEXT.fullmatch(cell)):
        cell = quoted[1].replace('""', '"').strip()
    elif cell[:1] == "'" and _APOSTROPHED.match(cell):
        cell = cell[1:]
    return cell


def is_plain(cell: str) -> bool:
    """Whether `cleaned` would give back the same; judged at once for most cells."""
    return cell.isascii() and cell[:1] not in ("=", "'") and cell == cell.strip()


def is_damaged(cell: str) -> bool:
    """Whether a spreadsheet has made `1.23457E+12` or `####` of a number."""
    return _DAMAGED.fullmatch(cell) is not None


YES: Final = frozenset(
    {
        *("yes", "y", "true", "t", "1", "x", "on", "ja", "j", "oui", "o", "si", "sí", "s", "sim", "v", "vrai", "wahr"),
        *("verdadero", "verdadeiro", "vero", "waar", "subscribed", "subscribe", "opted in", "opted-in", "opt-in"),
        *("active", "checked", "✓", "✔"),
    }
)
NO: Final = frozenset(
    {
        *("no", "n", "false", "f", "0", "off", "nein", "non", "não", "nao", "nee", "faux", "falsch", "falso", "onwaar"),
        *("none", "-", "unchecked", "never", "never_subscribed", "never subscribed", "not subscribed"),
    }
)


def flag_of(cell: str) -> bool | None:
    """What a cell says: yes or no in several languages; None if it is neither."""
    word = cell.casefold()
    return True if word in YES else False if word in NO else None


def null_words(given: Iterable[str] | None) -> frozenset[str]:
    """The words that stand for no value: the usual ones, or those that the caller gives."""
    return NULL_WORDS if given is None else frozenset(given)
