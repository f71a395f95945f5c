"""Lists in a cell: a JSON array, quoted words, or words between separators."""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from typing import Final

SEPARATORS: Final = (";", "|", ",", "\n")
"""What may stand between the words of a list."""


def find_separator(values: Iterable[str]) -> str:
    """What stands between the words of a column's lists: the sign that most cells have, a comma if none has any."""
    counts: Counter[str] = Counter()
    for value in values:
        if not value.startswith("["):
            counts.update(separator for separator in SEPARATORS if separator in value)
    return max(SEPARATORS, key=lambda each: (counts[each], each == ",")) if counts else ","


def read_list(cell: str, separator: str) -> list[str]:
    """The words in a cell, each once, without blank ones."""
    if cell.startswith("["):
        try:
            found = json.loads(cell)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return _once(str(each) for each in found if isinstance(each, str | int))
    if '"' in cell:
        try:
            return _once(next(csv.reader([cell], delimiter=separator, skipinitialspace=True)))
        except (csv.Error, StopIteration):
            pass
    return _once(cell.split(separator))


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word for each in words if (word := each.strip())))
