"""EventTable: the event columns of an index. A column is built when it is first asked for."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from regulars.audience.structures.event_facets import MAIL_KINDS, Facet, Happening, object_named
from regulars.audience.structures.events import EventColumn
from regulars.audience.structures.missing import MissingColumnError
from regulars.domain.changes import EventRow, Name, Record

Wanted = Mapping[str, frozenset[Facet]]
"""The facets of the columns that a question needs, by the name of the event."""

MOST_FOLLOWED: Final = 100_000
"""If more events than this are new, columns are built anew by the next question instead of following."""

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class EventTable:
    """Columns by name. All of them have the events up to the number `seen`.

    Events are numbered in the order in which they are committed, so those above `seen` are what is missing. told: the
    largest number that change records have told of; None: one of them did not say.
    """

    def __init__(self) -> None:
        self._columns: dict[str, EventColumn] = {}
        self._asked: dict[str, float] = {}
        self.seen = 0
        self.told: int | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._columns))

    @property
    def is_behind(self) -> bool:
        """Whether there may be events that the columns lack."""
        return bool(self._columns) and (self.told is None or self.told > self.seen)

    def column(self, name: str, facets: Iterable[Facet] = ()) -> EventColumn:
        """The column of a name with these facets. Raises MissingColumnError if it is not built."""
        found = self._columns.get(name)
        if found is None or not found.facets.keys() >= set(facets):
            raise MissingColumnError
        self._asked[name] = time.monotonic()
        return found

    def missing(self, wanted: Wanted) -> dict[str, frozenset[Facet]]:
        """The columns to build: those that lack something, with the facets that they have and should have."""
        found: dict[str, frozenset[Facet]] = {}
        for name, facets in wanted.items():
            column = self._columns.get(name)
            known = frozenset() if column is None else frozenset(column.facets)
            if column is None or not facets <= known:
                found[name] = facets | known
        return found

    def empty(self, names: Iterable[str]) -> list[str]:
        """Those of the names of which there are no events at all."""
        return [name for name in names if name in self._columns and not len(self._columns[name])]

    def note(self, records: Sequence[Record]) -> None:
        """Take in what change records tell."""
        if records:
            self.told = records[-1].activities

    def install(self, columns: Iterable[EventColumn], seen: int) -> None:
        """Take columns in. They, and all others, must have all events up to `seen`."""
        for column in columns:
            self._columns[column.name] = column
            self._asked[column.name] = time.monotonic()
        self.seen = self.told = seen

    def follow(self, rows: "NewEvents", ordinal: Mapping[int, int]) -> None:
        """Add events, of customers whose ordinals are given; others were deleted."""
        for name, column in self._columns.items():
            mine = [row for row in rows.rows if row.name == name and row.customer in ordinal]
            if mine:
                extend(column, mine, [ordinal[row.customer] for row in mine], rows.numbers)
        self.seen = self.told = rows.seen

    def reassign(self, ordinal: int, whole: int) -> None:
        """Give the events of a customer to another one."""
        for column in self._columns.values():
            column.reassign(ordinal, whole)

    def clear(self) -> None:
        """Drop all columns."""
        self._columns.clear()
        self._asked.clear()

    def drop_idle(self, seconds: float) -> None:
        """Drop the columns that nobody has asked for so long."""
        now = time.monotonic()
        for name in [name for name, at in self._asked.items() if now - at > seconds]:
            self._columns.pop(name, None)
            self._asked.pop(name, None)

    @property
    def is_untidy(self) -> bool:
        """Whether `tidy` would do anything."""
        return any(each.is_untidy for each in self._columns.values())

    def tidy(self) -> None:
        """Sort what is new into the columns. Questions may be asked meanwhile."""
        for column in list(self._columns.values()):
            if column.is_untidy:
                column.tidy()

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return sum(column.nbytes for column in list(self._columns.values()))


class NewEvents(msgspec.Struct, frozen=True):
    """Events that columns lack. seen: the largest number so far. numbers: of the objects that they name by key."""

    rows: Sequence[EventRow]
    seen: int
    numbers: Mapping[Name, int]


def extend(column: EventColumn, rows: Sequence[EventRow], ordinals: Sequence[int], numbers: Mapping[Name, int]) -> None:
    """Add rows to a column."""
    details = decoded(rows) if column.facets else []
    happenings = [Happening(row.log, detail, numbers) for row, detail in zip(rows, details, strict=False)]
    at = np.array([row.at for row in rows], dtype=np.int64)
    column.extend(np.array(ordinals, dtype=np.uint32), at, happenings)


def decoded(rows: Sequence[EventRow]) -> list[dict[str, Any]]:
    """The details of events."""
    return [_decode(row.detail) if row.detail else {} for row in rows]


def names_in(rows: Sequence[EventRow]) -> list[Name]:
    """The (kind, key) of the objects that email events name by key, each once."""
    found: dict[Name, None] = {}
    for row in rows:
        if row.log is not None and row.detail:
            detail = _decode(row.detail)
            for kind in MAIL_KINDS:
                named = object_named(detail, kind)
                if isinstance(named, str):
                    found[kind, named] = None
    return list(found)
