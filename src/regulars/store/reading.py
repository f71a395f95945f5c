"""Readings: reads that are said first and made later, so that those of one moment share one round trip."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from regulars.store.engine import Connection, Row, Values
from regulars.store.statement import Statement

T = TypeVar("T")


class Reading(Struct, Generic[T], frozen=True):
    """A statement with its values, and what its rows come to.

    long: there may be so many rows that the event loop must go on meanwhile.
    """

    statement: Statement
    values: Values
    shape: Callable[[list[Row]], T]
    long: bool = False


async def read(connection: Connection, reading: Reading[T]) -> T:
    """What one reading comes to."""
    (found,) = await read_all(connection, [reading])
    return found  # type: ignore[no-any-return]


async def read_all(connection: Connection, readings: Sequence[Reading[Any]], *, last: bool = False) -> list[Any]:
    """What readings that do not depend on each other come to, in order: one round trip.

    last: nothing else is read in the snapshot, which is one's own.
    """
    if not readings:
        return []
    queries = [(reading.statement, reading.values) for reading in readings]
    found = await connection.several(queries, long=any(reading.long for reading in readings), last=last)
    return [reading.shape(rows) for reading, rows in zip(readings, found, strict=True)]
