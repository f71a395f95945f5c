"""Statements on the history of one customer, newest first: events, changes of the profile, consent and emails."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
    or_,
    select,
)

from regulars.store.schema import activities, consents, logs, newsletter_consents, profile_changes
from regulars.store.statement import Statement, site_is

INSERT_PROFILE_CHANGES: Final = Statement("insert_profile_changes", insert(profile_changes))
INSERT_NEWSLETTER_CONSENTS: Final = Statement("insert_newsletter_consents", insert(newsletter_consents))
DELETE_NEWSLETTER_CONSENTS: Final = Statement(
    "delete_newsletter_consents",
    delete(newsletter_consents).where(
        site_is(newsletter_consents), newsletter_consents.c.customer == bindparam("number")
    ),
)
DELETE_PROFILE_CHANGES: Final = Statement(
    "delete_profile_changes",
    delete(profile_changes).where(site_is(profile_changes), profile_changes.c.customer == bindparam("number")),
)


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if column.name not in ("site_id", "customer")]


def _stretch(table: Table, at: str = "at", number: str = "number") -> tuple[ColumnElement[bool], ...]:
    """The rows of a customer from `since` on, before the place (until, before_number)."""
    moment = table.c[at]
    until, before = bindparam("until", type_=BigInteger), bindparam("before_number", type_=BigInteger)
    return (
        site_is(table),
        table.c.customer == bindparam("customer"),
        moment >= bindparam("since"),
        moment <= until,
        or_(moment < until, and_(moment == until, table.c[number] < before)),
    )


def _newest(name: str, table: Table, at: str = "at", number: str = "number") -> Statement:
    """The newest `count` rows of a span."""
    return Statement(
        name,
        select(*_columns(table))
        .where(*_stretch(table, at, number))
        .order_by(table.c[at].desc(), table.c[number].desc())
        .limit(bindparam("count")),
    )


EVENTS_OF_CUSTOMER: Final = _newest("events_of_customer", activities)
CONSENTS_OF_CUSTOMER: Final = _newest("consents_of_customer", consents)
NEWSLETTER_CONSENTS_OF_CUSTOMER: Final = _newest("newsletter_consents_of_customer", newsletter_consents)
PROFILE_CHANGES_OF_CUSTOMER: Final = _newest("profile_changes_of_customer", profile_changes, number="position")
EMAILS_OF_CUSTOMER: Final = _newest("emails_of_customer", logs, at="created_at")

FIRST_PROFILE_CHANGE: Final = Statement(
    "first_profile_change",
    select(profile_changes.c.created)
    .where(site_is(profile_changes), profile_changes.c.customer == bindparam("customer"))
    .order_by(profile_changes.c.at, profile_changes.c.position)
    .limit(literal_column("1")),
)
"""Whether the oldest change of a customer's profile is its creation."""

_window = (
    select(*_columns(activities))
    .where(*_stretch(activities))
    .order_by(activities.c.at.desc(), activities.c.number.desc())
    .limit(bindparam("looked_at"))
).subquery("looked_at_rows")
EVENTS_NAMED_OF_CUSTOMER: Final = Statement(
    "events_named_of_customer",
    select(_window)
    .where(_window.c.name == bindparam("name"))
    .order_by(_window.c.at.desc(), _window.c.number.desc())
    .limit(bindparam("count")),
)
"""Of the newest `looked_at` events of a span, the newest `count` with one name."""

END_OF_WINDOW: Final = Statement(
    "end_of_window",
    select(activities.c.at, activities.c.number)
    .where(*_stretch(activities))
    .order_by(activities.c.at.desc(), activities.c.number.desc())
    .limit(literal_column("1"))
    .offset(bindparam("looked_at") - literal_column("1")),
)
"""The last of the newest `looked_at` events of a span, if there are as many."""
