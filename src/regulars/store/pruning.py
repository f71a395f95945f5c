"""Pruning: changes, and what the outbox tells of them, are deleted when they are older than anybody needs.

A change is kept while it is young enough to be fed to others, and while a snapshot of an index needs it to go on
from. A reader that finds a gap loads its index anew, or is told that its cursor has expired.
"""

from typing import Final

from regulars.store import statements
from regulars.store.change_statements import CHANGES, Prunable
from regulars.store.engine import Engine
from regulars.store.outbox_statements import OUTBOX

SLICE: Final = 500
"""Changes deleted in one transaction."""


async def prune_changes(engine: Engine, site: int, *, before: int, until: int | None = None) -> int:
    """Delete the changes of a site from before a moment (ms), up to number `until` at most; never the newest one.

    Returns how many numbers were gone through.
    """
    return await _prune(engine, CHANGES, site, before, until)


async def prune_outbox(engine: Engine, site: int, *, before: int) -> int:
    """Delete what the outbox tells of changes from before a moment (ms); never of the newest one.

    Returns how many changes that were.
    """
    return await _prune(engine, OUTBOX, site, before, None)


async def _prune(engine: Engine, sql: Prunable, site: int, before: int, until: int | None) -> int:
    pruned = 0
    while True:
        async with engine.transaction() as connection:
            head = await connection.one(statements.HEAD, {"site": site})
            oldest = await connection.one(sql.oldest, {"site": site})
            if head is None or oldest is None or oldest[0] is None:
                connection.discard()
                return pruned
            first, newest = oldest[0], head[0]
            last = min(first + SLICE, newest) if until is None else min(first + SLICE, newest, until + 1)
            values = {"site": site, "first": first, "last": last, "before": before}
            found = await connection.one(sql.expired, values)
            if found is None or not found[0]:
                connection.discard()
                return pruned
            await connection.in_thread(sql.delete, {"site": site, "first": first, "last": found[1] + 1})
            pruned += found[1] + 1 - first
