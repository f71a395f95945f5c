"""Queries as values: built first and run later, so that several can share one round trip."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from regulars.store.engine import SLICE, Connection, Row, Values
from regulars.store.statement import Statement
from regulars.store.threads import off_loop

T = TypeVar("T")


class Query(Struct, Generic[T], frozen=True):
    """A statement with its values, and a function that turns its rows into a result.

    long: there may be so many rows that reading them must not block the event loop.
    """

    statement: Statement
    values: Values
    shape: Callable[[list[Row]], T]
    long: bool = False


async def read(connection: Connection, query: Query[T]) -> T:
    """The result of one query."""
    (found,) = await read_all(connection, [query])
    return found  # type: ignore[no-any-return]


async def read_all(connection: Connection, queries: Sequence[Query[Any]], *, last: bool = False) -> list[Any]:
    """The results of independent queries, in order, in one round trip.

    If there are more rows than a slice, the result is built on a thread, so as not to block the event loop.

    last: nothing else will be read in the snapshot, which the caller must not share.
    """
    if not queries:
        return []
    statements = [(query.statement, query.values) for query in queries]
    found = await connection.several(statements, long=any(query.long for query in queries), last=last)
    return [
        query.shape(rows) if len(rows) <= SLICE else await off_loop(_shaped, query, rows)
        for query, rows in zip(queries, found, strict=True)
    ]


def _shaped(query: Query[T], rows: list[Row]) -> T:
    """The result of a query, without its rows: to free 100,000 of them takes a while, too."""
    found = query.shape(rows)
    rows.clear()
    return found
