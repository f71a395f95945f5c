"""Writes whose cookies and devices are, and the events that wait for a name."""

from msgspec.structs import astuple

from regulars.domain.working import LACKS_TIME, LACKS_UUID, WorkingSet
from regulars.domain.working.addresses import Tombstone
from regulars.store import visitor_statements
from regulars.store.engine import Connection
from regulars.store.tombstone_hashes import hash_of


async def write_visitors(connection: Connection, site: int, work: WorkingSet, secret: bytes) -> None:
    """Write what a transaction changes of visitors. secret: the database's, with which they are hashed."""
    found = work.visitors
    if found.is_clean():
        return
    holders = [(each, found.holders[each]) for each in sorted(found.named)]
    events = []
    for number in sorted(found.kept):
        event = found.waiting[number]
        activity, hashes = event.activity, {kind: hash_of(secret, (kind, text)) for kind, text in event.visitor}
        moments = (activity.at, event.received_at)
        lacks = LACKS_TIME * activity.at_is_arrival + LACKS_UUID * activity.uuid_is_derived
        known = (activity.uuid, lacks, activity.anonymous)
        events.append((site, number, hashes.get("cookie"), hashes.get("device_id"), *moments, *known))
    for statement, rows in (
        (
            visitor_statements.SAVE_VISITORS,
            [(site, hash_of(secret, each), holder.customer, holder.at) for each, holder in holders],
        ),
        (visitor_statements.DELETE_EVENTS, [(site, number) for number in sorted(found.given)]),
        (visitor_statements.INSERT_EVENTS, events),
    ):
        if rows:
            await connection.many(statement, rows)


async def bury_visitors(connection: Connection, site: int, customers: list[int], now: int) -> None:
    """Put up tombstones for the cookies and devices of deleted customers: what they did before is of nobody."""
    for customer in customers:
        found = await connection.all(visitor_statements.VISITORS_OF, {"site": site, "customer": customer})
        hashes = [(site, hashed) for (hashed,) in found]
        if hashes:
            rows = [(*row, *astuple(Tombstone(now))) for row in hashes]
            await connection.many(visitor_statements.BURY_VISITORS, rows)
            await connection.many(visitor_statements.DELETE_VISITORS, hashes)
