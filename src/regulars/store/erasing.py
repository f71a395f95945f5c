"""Erases the rows of persons within a transaction, and records each erasure without anything that names the person."""

import msgspec

from regulars.domain.working import WorkingSet
from regulars.store import erasure_statements as sql
from regulars.store.customer_history import HistoryPlace, HistoryRange, places_behind
from regulars.store.engine import Connection, Row


async def erase_rows(connection: Connection, site: int, work: WorkingSet, moment: int) -> None:
    """Erase what deleting the customers leaves. moment: that of the commit."""
    if not work.erasures:
        return
    addresses = sorted(work.erased_addresses)
    keys = msgspec.json.encode(addresses).decode()
    rows = await connection.all(sql.EMAILS_TO, {"site": site, "keys": keys}) if addresses else []
    if rows:
        await connection.many(sql.ERASE_EVENTS_OF_EMAIL, [(site, log, log) for (log,) in rows], long=True)
    for statement, wanted in (
        (sql.ERASE_ACTIVITIES, sorted(work.erased)),
        (sql.ERASE_EMAILS, sorted(work.erased)),
        (sql.ERASE_PENDING, sorted(work.erased)),
        (sql.ERASE_EMAILS_TO, addresses),
        (sql.ERASE_PENDING_TO, addresses),
    ):
        if wanted:
            await connection.many(statement, [(site, each) for each in wanted], long=True)
    await connection.many(
        sql.INSERT_ERASURE,
        [
            (site, moment, place, each.reason, each.channel, each.actor, each.customers)
            for place, each in enumerate(work.erasures)
        ],
    )


async def read_erasures(
    connection: Connection, site: int, stretch: HistoryRange
) -> tuple[list[Row], HistoryPlace | None]:
    """A page of erasures as (at, position, reason, channel, actor, customers), and where the next page begins."""
    rows = await connection.all(sql.ERASURES, {"site": site, **places_behind(0, stretch)})
    page = rows[: stretch.size]
    return page, HistoryPlace(page[-1][0], 0, page[-1][1]) if len(rows) > len(page) else None
