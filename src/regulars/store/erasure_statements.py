"""Statements that erase what a deletion keeps: emails with their events, and pending emails."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    insert,
    literal_column,
    or_,
    select,
)

from regulars.domain.changes import NULL
from regulars.store.schema import activities, erasures, logs, pending_mails
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_SOME_TIME: Final = cast(literal_column(str(NULL)), BigInteger)
"""Below any time. A condition on the next column makes SQLite use the index of the customer or address."""


def _of(name: str, table: Table, column: str, moment: str) -> Statement:
    wanted: ColumnElement[Any] = bindparam("wanted", type_=table.c[column].type)
    return Statement(name, delete(table).where(site_is(table), table.c[column] == wanted, table.c[moment] > _SOME_TIME))


ERASE_ACTIVITIES: Final = _of("erase_activities", activities, "customer", "at")
ERASE_EMAILS: Final = _of("erase_emails", logs, "customer", "created_at")
ERASE_EMAILS_TO: Final = _of("erase_emails_to_address", logs, "address_key", "created_at")
ERASE_PENDING: Final = _of("erase_pending_emails", pending_mails, "customer", "due_at")
ERASE_PENDING_TO: Final = _of("erase_pending_emails_to_address", pending_mails, "address_key", "due_at")

_listed, (_address,) = keys_of(logs.c.address_key)
EMAILS_TO: Final = Statement(
    "emails_to_addresses",
    select(logs.c.number).select_from(
        KeyedJoin(_listed, logs, and_(site_is(logs), logs.c.address_key == _address, logs.c.created_at > _SOME_TIME))
    ),
)
ERASE_EVENTS_OF_EMAIL: Final = Statement(
    "erase_events_of_email",
    # Written as a range, because with an equality SQLite would scan the whole site by its primary key.
    delete(activities).where(site_is(activities), activities.c.log.between(bindparam("log"), bindparam("last"))),
)
INSERT_ERASURE: Final = Statement("insert_erasure", insert(erasures))
_until, _before = bindparam("until", type_=BigInteger), bindparam("before_number", type_=BigInteger)
ERASURES: Final = Statement(
    "erasures",
    select(*(column for column in erasures.c if column.name != "site_id"))
    .where(
        site_is(erasures),
        erasures.c.at >= bindparam("since"),
        erasures.c.at <= _until,
        or_(erasures.c.at < _until, and_(erasures.c.at == _until, erasures.c.position < _before)),
    )
    .order_by(erasures.c.at.desc(), erasures.c.position.desc())
    .limit(bindparam("count")),
)
"""The newest erasures from `since` on, before the place (until, before_number)."""
