"""Statements that erase what a deletion keeps, and those on the record of erasures."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from regulars.domain.changes import NULL
from regulars.store.consent_request_schema import consent_requests
from regulars.store.note_schema import notes
from regulars.store.schema import (
    activities,
    consents,
    erasures,
    logs,
    newsletter_consents,
    pending_mails,
    profile_changes,
    relations,
)
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
_listed, (_customer,) = keys_of(logs.c.customer)
EMAILS_OF: Final = Statement(
    "emails_of_customers",
    select(logs.c.number).select_from(
        KeyedJoin(_listed, logs, and_(site_is(logs), logs.c.customer == _customer, logs.c.created_at > _SOME_TIME))
    ),
)


def _count(table: Table, moment: str | None) -> Statement:
    listed, (customer,) = keys_of(table.c.customer)
    conditions = [site_is(table), table.c.customer == customer]
    if moment is not None:
        conditions.append(table.c[moment] > _SOME_TIME)
    joined = KeyedJoin(listed, table, and_(*conditions))
    return Statement(f"count_erased_{table.name}", select(func.count()).select_from(joined))


COUNTED: Final = {
    "events": _count(activities, "at"),
    "consents": _count(consents, None),
    "newsletter_consents": _count(newsletter_consents, None),
    "ties": _count(relations, None),
    "profile_changes": _count(profile_changes, None),
    "pending_emails": _count(pending_mails, "due_at"),
    "consent_requests": _count(consent_requests, "at"),
    "notes": _count(notes, "created_at"),
}
"""By kind, what counts the rows of a list of customers."""
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

ERASURE: Final = Statement(
    "erasure",
    select(*(column for column in erasures.c if column.name != "site_id")).where(
        site_is(erasures), erasures.c.at == bindparam("moment"), erasures.c.position == bindparam("place")
    ),
)
PENDING_ERASURES: Final = Statement(
    "pending_erasures",
    select(erasures.c.at, erasures.c.position, erasures.c.cleaned).where(
        site_is(erasures), erasures.c.cleaned_at.is_(None)
    ),
)
"""The erasures of which the files have not been cleaned yet."""
MARK_CLEANED: Final = Statement(
    "mark_erasure_cleaned",
    update(erasures)
    .where(site_is(erasures), erasures.c.at == bindparam("moment"), erasures.c.position == bindparam("place"))
    .values(cleaned_at=bindparam("now"), cleaned=bindparam("what")),
)
