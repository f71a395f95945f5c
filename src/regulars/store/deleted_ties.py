"""Removes the ties of deleted objects, some at a time.

A deletion only notes the object in `deleted_ties`, and from then on no statement reads its ties. Their rows are removed
afterwards in short transactions, so that no writer waits for long. Ties that are written meanwhile, to an object that
was created again, carry the change that wrote them and stay.
"""

from typing import Final, NamedTuple

from regulars.store import tie_statements as sql
from regulars.store.engine import Engine
from regulars.store.statements import LOCK_HEAD

REMOVE_DELETED_TIES: Final = "remove_deleted_ties"
"""The kind of the job."""

SLICE: Final = 200
"""Ties removed per transaction."""


class Place(NamedTuple):
    """How far the removal has come: of customers up to this one, no tie is stored that was deleted up to `change`."""

    change: int = 0
    customer: int = 0


async def remove_some(engine: Engine, site: int, reached: Place) -> tuple[int, Place | None]:
    """Remove the next deleted ties of a site; returns how many, and how far it has come, None if none were left.

    They are found in a snapshot on a thread, as they may be far apart; the site's lock is held only to remove them.
    """
    async with engine.snapshot() as reading:
        row = await reading.one(sql.NEWEST_DELETION, {"site": site})
        if row is None or row[0] is None:
            return 0, None
        newest = int(row[0])
        after = reached.customer if reached.change == newest else 0
        values = {"site": site, "after": after, "count": SLICE}
        rows = await reading.in_thread(sql.STORED_DELETED_TIES, values)
    removed: dict[tuple[int, int, int], int] = {}
    moments: dict[int, int] = {}
    for customer, relation, item, holds, change, moment in rows:
        tie = (customer, relation, item)
        if tie not in removed:  # else it is the next deletion of the object, which did not find the tie any more
            removed[tie] = change
            if holds and moment:
                moments[customer] = max(moment, moments.get(customer, 0))
    async with engine.transaction() as connection:
        await connection.one(LOCK_HEAD, {"site": site})
        stamps = [(moment, site, customer, moment) for customer, moment in moments.items()]
        await connection.many(sql.STAMP_CUSTOMER, stamps, long=True)
        await connection.many(
            sql.REMOVE_DELETED_TIE, [(site, *tie, change) for tie, change in removed.items()], long=True
        )
        if len(rows) < SLICE:  # whatever was deleted since the snapshot has a later change
            await connection.all(sql.FORGET_DELETIONS, {"site": site, "newest": newest})
    return len(removed), Place(newest, rows[-1][0] - 1 if len(rows) == SLICE else 0)
