"""Statements on the audit trail."""

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

from regulars.store.schema import account_audit_events, accounts, audit_events
from regulars.store.statement import Statement, site_is

_EVENT: Final = [column for column in audit_events.c if column.name != "site_id"]
_ACCOUNT_EVENT: Final = [column for column in account_audit_events.c if column.name != "account_id"]
_is_account: Final = account_audit_events.c.account_id == bindparam("account")

INSERT_EVENTS: Final = Statement("insert_audit_events", insert(audit_events))
ACCOUNT_EVENT_VALUES: Final = [column.name for column in account_audit_events.c if column.name != "id"]
INSERT_ACCOUNT_EVENT: Final = Statement(
    "insert_account_audit_event",
    insert(account_audit_events).values({name: bindparam(name) for name in ACCOUNT_EVENT_VALUES}),
)
LOCK_ACCOUNT: Final = Statement(
    "lock_account", select(accounts.c.id).where(accounts.c.id == bindparam("account")).with_for_update()
)
LAST_HASH: Final = Statement(
    "last_audit_hash",
    select(audit_events.c.hash)
    .where(site_is(audit_events))
    .order_by(audit_events.c.at.desc(), audit_events.c.position.desc())
    .limit(literal_column("1")),
)
LAST_ACCOUNT_HASH: Final = Statement(
    "last_account_audit_hash",
    select(account_audit_events.c.hash)
    .where(_is_account)
    .order_by(account_audit_events.c.at.desc(), account_audit_events.c.id.desc())
    .limit(literal_column("1")),
)


def _stretch(table: Table, number: str) -> tuple[ColumnElement[bool], ...]:
    """The rows from `since` on, before the place (until, before_number)."""
    until, before = bindparam("until", type_=BigInteger), bindparam("before_number", type_=BigInteger)
    return (
        table.c.at >= bindparam("since"),
        table.c.at <= until,
        or_(table.c.at < until, and_(table.c.at == until, table.c[number] < before)),
    )


def _newest(name: str, table: Table, columns: list[Column[Any]], number: str, owner: ColumnElement[bool]) -> Statement:
    return Statement(
        name,
        select(*columns)
        .where(owner, *_stretch(table, number))
        .order_by(table.c.at.desc(), table.c[number].desc())
        .limit(bindparam("count")),
    )


EVENTS: Final = _newest("audit_events", audit_events, _EVENT, "position", site_is(audit_events))
ACCOUNT_EVENTS: Final = _newest("account_audit_events", account_audit_events, _ACCOUNT_EVENT, "id", _is_account)
OLD_EVENTS: Final = Statement(
    "old_audit_events",
    select(audit_events.c.at, audit_events.c.position)
    .where(site_is(audit_events), audit_events.c.at < bindparam("before"))
    .order_by(audit_events.c.at, audit_events.c.position)
    .limit(bindparam("count")),
)
DELETE_EVENT: Final = Statement(
    "delete_audit_event",
    delete(audit_events).where(
        site_is(audit_events),
        audit_events.c.at == bindparam("at_is"),
        audit_events.c.position == bindparam("position_is"),
    ),
)
DELETE_OLD_ACCOUNT_EVENTS: Final = Statement(
    "delete_old_account_audit_events",
    delete(account_audit_events).where(account_audit_events.c.at < bindparam("before")),
)
