"""Ranges of lists that are ordered by a time and a number: what statements read them, and which part of one is read.

A range begins behind a place, through an index, so that the last page of a list is as fast as the first.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, bindparam, or_, select

from regulars.store.engine import SLICE, Connection, Row
from regulars.store.reads import FOREVER
from regulars.store.statement import Statement


class ListPlace(NamedTuple):
    """A place in a list: a time (ms), and the number of a row."""

    at: int
    number: int


class ListRange(NamedTuple):
    """The next `size` rows behind a place, without the first `skip` of them. behind: None for the list's beginning."""

    size: int
    descending: bool = True
    behind: ListPlace | None = None
    skip: int = 0

    def values(self) -> dict[str, int]:
        """The parameters of a statement of `in_both_directions`."""
        beginning = ListPlace(FOREVER, FOREVER) if self.descending else ListPlace(-FOREVER, -FOREVER)
        at, number = self.behind or beginning
        return {"place_at": at, "place_number": number, "count": self.size, "skip": self.skip}


InBothDirections = dict[bool, Statement]
"""The statement that reads a list descending, under True, and the one that reads it ascending."""


def in_both_directions(
    name: str,
    columns: Sequence[ColumnElement[Any]],
    source: FromClause,
    condition: ColumnElement[bool],
    *,
    at: ColumnElement[int],
    number: ColumnElement[int],
) -> InBothDirections:
    """Statements for the ranges of a list: the rows of `source` that meet the condition, by `at` and `number`."""
    place_at, place_number = bindparam("place_at", type_=BigInteger), bindparam("place_number", type_=BigInteger)
    rows = select(*columns).select_from(source)
    found = {}
    for descending in (True, False):
        if descending:
            behind = and_(at <= place_at, or_(at < place_at, and_(at == place_at, number < place_number)))
            order = at.desc(), number.desc()
        else:
            behind = and_(at >= place_at, or_(at > place_at, and_(at == place_at, number > place_number)))
            order = at.asc(), number.asc()
        query = rows.where(condition, behind).order_by(*order)
        found[descending] = Statement(
            f"{name}_{'descending' if descending else 'ascending'}",
            query.limit(bindparam("count")).offset(bindparam("skip")),
        )
    return found


async def read_range(
    connection: Connection, statements: InBothDirections, values: dict[str, Any], wanted: ListRange
) -> list[Row]:
    """The rows of a range; on a thread where many are skipped."""
    read = connection.all if wanted.skip + wanted.size <= SLICE else connection.in_thread
    return await read(statements[wanted.descending], {**values, **wanted.values()})
