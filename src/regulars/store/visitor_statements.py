"""Statements on visitors and on the events that wait for one to be named."""

from sqlalchemy import and_, bindparam, delete, func, insert, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.store.schema import anonymous_events, tombstones, visitors
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_EVENT = [column for column in anonymous_events.c if column.name != "site_id"]

_listed, (_hash,) = keys_of(visitors.c.hash)
HOLDERS = Statement(
    "visitor_holders",
    select(visitors.c.hash, visitors.c.customer, visitors.c["at"]).select_from(
        KeyedJoin(_listed, visitors, and_(site_is(visitors), visitors.c.hash == _hash))
    ),
)


def _waiting(column: str) -> tuple[Statement, Statement]:
    """The events that wait for a cookie or device, for a list of hashes; and how many they are."""
    listed, (value,) = keys_of(anonymous_events.c[column])
    events = Statement(
        f"events_of_{column}",
        select(*_EVENT).select_from(
            KeyedJoin(
                listed, anonymous_events, and_(site_is(anonymous_events), anonymous_events.c[column] == value)
            ).by(f"anonymous_events_{column}")
        ),
    )
    listed, (value,) = keys_of(anonymous_events.c[column])
    count = select(func.count()).where(site_is(anonymous_events), anonymous_events.c[column] == value)
    counts = Statement(
        f"event_counts_of_{column}",
        select(value, count.correlate(listed).scalar_subquery()).select_from(listed),
    )
    return events, counts


EVENTS_OF_COOKIE, COUNTS_OF_COOKIE = _waiting("cookie")
EVENTS_OF_DEVICE, COUNTS_OF_DEVICE = _waiting("device_id")

_listed, (_uuid,) = keys_of(anonymous_events.c.uuid)
WAITING_UUIDS = Statement(
    "waiting_uuids",
    select(anonymous_events.c.uuid).select_from(
        KeyedJoin(_listed, anonymous_events, and_(site_is(anonymous_events), anonymous_events.c.uuid == _uuid))
    ),
)

_visitor = upsert(visitors)
SAVE_VISITORS = Statement(
    "save_visitors",
    _visitor.on_conflict_do_update(
        index_elements=["site_id", "hash"],
        set_={"customer": _visitor.excluded.customer, "at": _visitor.excluded["at"]},
    ),
)
INSERT_EVENTS = Statement("insert_anonymous_events", insert(anonymous_events))
DELETE_EVENTS = Statement(
    "delete_anonymous_events",
    delete(anonymous_events).where(site_is(anonymous_events), anonymous_events.c.number == bindparam("number")),
)
VISITORS_OF = Statement(
    "visitors_of_customer",
    select(visitors.c.hash).where(
        site_is(visitors),
        visitors.c.customer == bindparam("customer"),
        visitors.c["at"] > literal_column(str(-(2**62))),
    ),
)
"""The condition on the time is always true; it makes SQLite use the index instead of scanning the site."""
DELETE_VISITORS = Statement(
    "delete_visitors", delete(visitors).where(site_is(visitors), visitors.c.hash == bindparam("hash"))
)
_tombstone = upsert(tombstones)
BURY_VISITORS = Statement(
    "bury_visitors",
    _tombstone.on_conflict_do_update(
        index_elements=["site_id", "hash"], set_={"deleted_at": _tombstone.excluded.deleted_at}
    ),
)

OLD_EVENTS = Statement(
    "old_anonymous_events",
    select(anonymous_events.c.number)
    .where(site_is(anonymous_events), anonymous_events.c.received_at < bindparam("before"))
    .order_by(anonymous_events.c.received_at)
    .limit(bindparam("count")),
)
OLD_VISITORS = Statement(
    "old_visitors",
    select(visitors.c.hash)
    .where(site_is(visitors), visitors.c["at"] < bindparam("before"))
    .order_by(visitors.c["at"])
    .limit(bindparam("count")),
)
