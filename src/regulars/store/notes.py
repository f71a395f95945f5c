"""Notes about customers: what a transaction writes of them, and how they are read."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from regulars.domain.notes import CustomerNote
from regulars.domain.working import WorkingSet
from regulars.store import note_statements as sql
from regulars.store.engine import Connection
from regulars.store.list_ranges import ListPlace, ListRange, read_range

ORDERS: Final = sql.ORDERS
"""The times that notes can be ordered by."""

_SLICE: Final = 500


async def write_notes(connection: Connection, site: int, work: WorkingSet) -> None:
    """Write the notes that are new, changed and deleted. Writing to one that is gone changes nothing."""
    kept = work.notes
    if kept.is_clean():
        return
    for statement, rows in (
        (sql.INSERT, [(site, *astuple(note)) for note in kept.added]),
        (sql.CHANGE, [(text, work.now, site, number) for number, text in kept.bodies.items()]),
        (sql.DELETE, [(site, number) for number in sorted(kept.deleted)]),
    ):
        if rows:
            await connection.many(statement, rows)


async def find_note(connection: Connection, site: int, number: int) -> CustomerNote | None:
    """The note with this number, if there is one."""
    row = await connection.one(sql.NOTE, {"site": site, "note": number})
    return None if row is None else CustomerNote(*row)


async def read_notes(
    connection: Connection, site: int, order: str, wanted: ListRange, customers: Sequence[int] | None = None
) -> list[CustomerNote]:
    """A range of the notes of a site, or of those about some customers. order: one of ORDERS."""
    statements = (sql.OF_SITE if customers is None else sql.OF_CUSTOMERS)[order]
    return [CustomerNote(*row) for row in await read_range(connection, statements, _values(site, customers), wanted)]


async def count_notes(connection: Connection, site: int, customers: Sequence[int] | None = None) -> int:
    """How many notes there are on a site, or about some customers."""
    if customers is None:
        ((count,),) = await connection.in_thread(sql.COUNT, {"site": site})
        return int(count)
    counted = [
        await connection.in_thread(sql.COUNT_OF_CUSTOMER, {"site": site, "customer": each}) for each in customers
    ]
    return sum(int(rows[0][0]) for rows in counted)


async def notes_of(connection: Connection, site: int, customers: Sequence[int]) -> AsyncIterator[list[CustomerNote]]:
    """All notes about some customers, newest first, in slices."""
    wanted = ListRange(_SLICE)
    while found := await read_notes(connection, site, "created_at", wanted, customers):
        yield found
        if len(found) < _SLICE:
            return
        wanted = wanted._replace(behind=ListPlace(found[-1].created_at, found[-1].number))


def _values(site: int, customers: Sequence[int] | None) -> dict[str, Any]:
    return {"site": site} if customers is None else {"site": site, "keys": msgspec.json.encode(customers).decode()}
