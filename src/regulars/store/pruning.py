"""Pruning: deletes changes and outbox events that are no longer needed.

A change is kept for the retention period of the change feed, and as long as an index snapshot needs it to catch up. A
reader that finds a gap reloads its index, or gets an error that its cursor has expired.
"""

from typing import Final

from regulars.store import (
    audit_statements,
    import_statements,
    merge_statements,
    statements,
    visitor_statements,
    watch_statements,
)
from regulars.store.change_statements import CHANGES, Prunable
from regulars.store.engine import Engine
from regulars.store.outbox_statements import OUTBOX
from regulars.store.statement import Statement

SLICE: Final = 500
"""Changes, or other rows, deleted per transaction."""


async def prune_changes(engine: Engine, site: int, *, before: int, until: int | None = None) -> int:
    """Delete changes of a site older than a given time (ms), at most up to number `until`, and never the newest one.

    Returns how many change numbers were covered.
    """
    return await _prune(engine, CHANGES, site, before, until)


async def prune_outbox(engine: Engine, site: int, *, before: int) -> int:
    """Delete outbox events of changes older than a given time (ms), but never those of the newest change.

    Returns the number of changes covered.
    """
    return await _prune(engine, OUTBOX, site, before, None)


async def prune_anonymous(engine: Engine, site: int, *, before: int) -> int:
    """Delete anonymous events that arrived before a given time (ms), and visitors that were last named before it.

    Returns how many events were deleted.
    """
    events = await _prune_oldest(engine, site, before, visitor_statements.OLD_EVENTS, visitor_statements.DELETE_EVENTS)
    await _prune_oldest(engine, site, before, visitor_statements.OLD_VISITORS, visitor_statements.DELETE_VISITORS)
    return events


async def prune_points(engine: Engine, site: int, *, before: int) -> int:
    """Delete the figures of audiences of before a given time (ms); returns how many."""
    return await _prune_oldest(engine, site, before, watch_statements.OLD_POINTS, watch_statements.DELETE_POINT)


async def prune_import_changes(engine: Engine, site: int, *, before: int) -> int:
    """Delete what imports replaced that began before a given time (ms); returns of how many changes of customers."""
    return await _prune_oldest(engine, site, before, import_statements.OLD_CHANGES, import_statements.DELETE_CHANGE)


async def prune_audit_events(engine: Engine, site: int, *, before: int) -> int:
    """Delete the entries of a site's audit trail of before a given time (ms); returns how many."""
    return await _prune_oldest(engine, site, before, audit_statements.OLD_EVENTS, audit_statements.DELETE_EVENT)


async def prune_account_audit_events(engine: Engine, *, before: int) -> None:
    """Delete the entries about access and settings of before a given time (ms), of all accounts."""
    async with engine.transaction() as connection:
        await connection.in_thread(audit_statements.DELETE_OLD_ACCOUNT_EVENTS, {"before": before})


async def forget_merges(engine: Engine, site: int, *, before: int) -> int:
    """Erase what would undo merges of before a given time (ms); returns of how many."""
    return await _prune_oldest(engine, site, before, merge_statements.OLD_MERGES, merge_statements.FORGET_BODY)


async def _prune_oldest(engine: Engine, site: int, before: int, oldest: Statement, remove: Statement) -> int:
    pruned = 0
    while True:
        async with engine.transaction() as connection:
            rows = await connection.all(oldest, {"site": site, "before": before, "count": SLICE})
            if not rows:
                connection.discard()
                return pruned
            await connection.many(remove, [(site, *row) for row in rows])
            pruned += len(rows)


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
