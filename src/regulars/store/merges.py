"""Merges: what a transaction writes of them, and how they are read."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from regulars.domain.merge_records import MergeRecord, record_of_row, row_of_record
from regulars.domain.working import WorkingSet
from regulars.store import merge_statements as sql
from regulars.store.engine import Connection

NEWEST: Final = 2**62
"""Above every number of a merge."""


async def write_merges(connection: Connection, site: int, work: WorkingSet) -> None:
    """Write merges, undone ones, and which customers are part of another one."""
    moved = work.people.merged.moved
    if not (moved or work.merges.saved or work.merges.undone):
        return
    left = [(site, before, number) for number, (before, after) in moved.items() if before not in (None, after)]
    joined = [(site, after, number) for number, (before, after) in moved.items() if after not in (None, before)]
    records = [(site, *row_of_record(record)) for record in work.merges.saved.values()]
    undone = [(work.now, site, number) for number in sorted(work.merges.undone)]
    for statement, rows in (
        (sql.DELETE_PART, left),
        (sql.INSERT_PART, joined),
        (sql.INSERT_MERGE, records),
        (sql.MARK_UNDONE, undone),
    ):
        if rows:
            await connection.many(statement, rows)


async def delete_merges(connection: Connection, site: int, customers: list[int]) -> None:
    """Delete the merges of customers who are deleted, in whatever role, and which parts they have."""
    rows = [(site, number) for number in customers]
    for statement in (sql.DELETE_PARTS, sql.DELETE_MERGES_OF_SURVIVOR, sql.DELETE_MERGES_OF_GONE):
        if rows:
            await connection.many(statement, rows)


class KeptMerge(Struct, frozen=True):
    """A stored merge, without what undoes it."""

    record: MergeRecord
    can_be_undone: bool


async def find_merge(connection: Connection, site: int, number: int) -> KeptMerge | None:
    """The merge with this number, if there is one."""
    found = await list_merges(connection, site, below=number + 1, count=1)
    return found[0] if found and found[0].record.number == number else None


async def list_merges(connection: Connection, site: int, *, below: int = NEWEST, count: int) -> list[KeptMerge]:
    """The newest merges with numbers below one."""
    rows = await connection.all(sql.MERGES, {"site": site, "below": below, "count": count})
    customers = sorted({row[1] for row in rows})
    later: dict[int, int] = {}
    for statement in (sql.MERGES_OF_SURVIVORS, sql.MERGES_OF_GONE) if customers else ():
        for row in await connection.all(statement, {"site": site, "keys": _json(customers)}):
            for customer in (row[1], row[2]):
                later[customer] = max(later.get(customer, 0), row[0])
    found = []
    for *columns, has_body in rows:
        record = record_of_row((*columns, None))
        is_last = later.get(record.survivor, 0) <= record.number
        found.append(KeptMerge(record, bool(has_body) and record.undone_at is None and is_last))
    return found


async def group_of(connection: Connection, site: int, number: int) -> list[int]:
    """The numbers under which rows of a customer are kept: its own, and those of the customers merged into it."""
    rows = await connection.all(sql.PARTS, {"site": site, "keys": _json([number])})
    return [number, *sorted(part for _, part in rows)]


async def parts_of(connection: Connection, site: int, numbers: list[int]) -> dict[int, int]:
    """The customers who were merged into these, with the one that each is part of now."""
    if await connection.one(sql.ANY_MERGED, {"site": site}) is None:
        return {}
    rows = await connection.all(sql.PARTS, {"site": site, "keys": _json(numbers)})
    return {part: whole for whole, part in rows}


def _json(keys: Any) -> str:
    return msgspec.json.encode(keys).decode()
