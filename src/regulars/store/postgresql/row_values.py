"""Many rows in one INSERT: several rows of VALUES instead of a statement for each row.

A statement costs the server, and above all the coordinator of Citus, more than most of the rows that it writes. The
number of rows in a statement is a power of two, so a connection prepares only a few forms of each.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice
from operator import itemgetter
from typing import Any, Final

from regulars.store.statement import Sql

MOST_PARAMETERS: Final = 1024
"""Parameters of one statement. More rows would hardly be faster; the server keeps each form in memory, parsed."""

_PARAMETER: Final = r'\$\d+(?:::\w+)?(?: COLLATE "C")?'
_INTO: Final = r"(INSERT INTO \w+ \(([^()]*)\) VALUES )"
_ONE_ROW: Final = re.compile(rf"{_INTO}\(({_PARAMETER}(?:, {_PARAMETER})*)\)([^$]*)")
_UPDATES: Final = re.compile(r" ON CONFLICT \(([^()]*)\) DO UPDATE ")


class RowValues:
    """An INSERT of one row, whose parameters are the columns in order, in its forms with more rows."""

    def __init__(self, head: str, columns: list[str], parameters: list[str], tail: str) -> None:
        self._head = head
        self._types = [re.sub(r"^\$\d+", "", each) for each in parameters]
        self._tail = tail
        self._forms: dict[int, Sql] = {}
        most = MOST_PARAMETERS // len(parameters)
        self.largest: Final = 1 << (most.bit_length() - 1) if most else 1
        """Rows of the largest form."""
        target = _UPDATES.match(tail)
        self._key: Callable[[Sequence[Any]], Hashable] | None = None
        if target is not None:
            self._key = itemgetter(*(columns.index(name) for name in target[1].split(", ")))

    def statements(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Sql, Sequence[Any]]]:
        """The statements that write these rows in order, with their arguments.

        Rows with the same key are written by separate statements where the later one updates the earlier: PostgreSQL
        updates no row twice in one statement.
        """
        rows = iter(rows)
        while chunk := list(islice(rows, self.largest)):
            if self._key is not None and len(set(map(self._key, chunk))) < len(chunk):
                for row in chunk:
                    yield self._form(1), row
                continue
            at = 0
            while at < len(chunk):
                size = 1 << ((len(chunk) - at).bit_length() - 1)
                yield self._form(size), list(chain.from_iterable(chunk[at : at + size]))
                at += size

    def _form(self, count: int) -> Sql:
        found = self._forms.get(count)
        if found is None:
            numbers = iter(range(1, count * len(self._types) + 1))
            lines = (", ".join(f"${next(numbers)}{type_}" for type_ in self._types) for _ in range(count))
            text = f"{self._head}{', '.join(f'({line})' for line in lines)}{self._tail}"
            found = self._forms[count] = Sql(text, (), {})
        return found


@cache
def row_values(text: str) -> RowValues | None:
    """The forms of a compiled statement; None unless it is an INSERT of one row whose values are all parameters."""
    found = _ONE_ROW.fullmatch(text)
    if found is None:
        return None
    head, columns, parameters, tail = found.groups()
    names = parameters.split(", ")
    in_order = all(re.match(rf"\${place}\b", name) for place, name in enumerate(names, 1))
    return RowValues(head, columns.split(", "), names, tail) if in_order and "RETURNING" not in tail else None
