"""Removes the ties of deleted objects, some at a time, and then their product links and pending emails.

A deletion only notes the object in `deleted_ties`, and from then on no statement reads its ties. Their rows are removed
afterwards in short transactions, so that no writer waits for long. Ties that are written meanwhile, to an object that
was created again, carry the change that wrote them and stay.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.store import drip_statements, offer_statements
from regulars.store import tie_statements as sql
from regulars.store.engine import Connection, Engine, Row
from regulars.store.object_statements import FENCED
from regulars.store.statements import LOCK_HEAD

REMOVE_DELETED_TIES: Final = "remove_deleted_ties"
"""The kind of the job."""

SLICE: Final = 200
"""Ties or other rows removed per transaction."""

_REST: Final = {
    KIND_CODES["offer"]: (offer_statements.LINKS_OF_OFFER, offer_statements.UNLINK_PRODUCTS),
    KIND_CODES["product"]: (offer_statements.LINKS_OF_PRODUCT, offer_statements.UNLINK_PRODUCTS),
    KIND_CODES["sequence"]: (drip_statements.MAILS_OF_CAMPAIGN, drip_statements.DELETE_PENDING),
}
"""By kind, what finds some of the rows that are removed with the ties, and what removes them."""


class Place(NamedTuple):
    """How far the removal has come: of customers up to this one, no tie is stored that was deleted up to `change`."""

    change: int = 0
    customer: int = 0


_EVERYBODY: Final = 2**63 - 1


async def remove_some(engine: Engine, site: int, reached: Place) -> tuple[int, Place | None]:
    """Remove the next deleted ties of a site; returns how many, and how far it has come, None if nothing is left.

    They are found in a snapshot on a thread, as they may be far apart; the lock is held only to remove them. When
    no ties are left, the deletions themselves are forgotten, as slowly.
    """
    async with engine.snapshot() as reading:
        row = await reading.one(sql.NEWEST_DELETION, {"site": site})
        if row is None or row[0] is None:
            return 0, None
        change, after = max(int(row[0]), reached.change), reached.customer
        if change > reached.change:
            after = 0
        rows = []
        if after < _EVERYBODY:
            rows = await reading.in_thread(sql.STORED_DELETED_TIES, {"site": site, "after": after, "count": SLICE})
    if len(rows) == SLICE:
        return await _remove(engine, site, rows), Place(change, rows[-1][0] - 1)
    removed = await _remove(engine, site, rows) if rows else 0
    await _forget(engine, site, change)
    return removed, Place(change, _EVERYBODY)


async def _remove(engine: Engine, site: int, rows: Sequence[Row]) -> int:
    """Remove these ties and set the changed_at of their customers; returns the number of ties."""
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
    return len(removed)


async def _forget(engine: Engine, site: int, change: int) -> None:
    """Forget some of the deletions up to a change, whose ties are all removed, and what they forbade older servers."""
    async with engine.transaction() as connection:
        await connection.one(LOCK_HEAD, {"site": site})
        values = {"site": site, "newest": change, "count": SLICE}
        deletions = await connection.all(sql.COMPLETED_DELETIONS, values)
        objects = sorted({(kind_of(relation), item) for relation, item, _ in deletions})
        if await _remove_rest(connection, site, objects):
            return
        await connection.many(sql.FORGET_DELETION, [(site, *deletion) for deletion in deletions])
        await connection.many(sql.OPEN_OBJECT, [(site, *each, change) for each in objects])
        await connection.all(sql.OPEN_SITE, {"site": site})


async def _remove_rest(connection: Connection, site: int, objects: Sequence[tuple[int, int]]) -> bool:
    """Remove some of the other rows of deleted objects, unless they were created again; False if there are none."""
    objects = [each for each in objects if each[0] in _REST]
    if not objects:
        return False
    keys = msgspec.json.encode(objects).decode()
    for kind, item in await connection.all(FENCED, {"site": site, "keys": keys}):
        found, remove = _REST[kind]
        rows = await connection.all(found, {"site": site, "number": item, "count": SLICE})
        if rows:
            await connection.many(remove, [(site, *row) for row in rows])
            return True
    return False


def kind_of(relation: int) -> int:
    """The code of the kind of object that a relation, by its code, ties customers to."""
    kind = BY_CODE[relation].kind
    assert kind is not None
    return KIND_CODES[kind]
