"""Statements that read a site for an export: its rows in the order of their numbers, a slice at a time."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Select, Table, and_, bindparam, cast, func, literal_column, select

from regulars.domain.changes import NULL
from regulars.domain.relations import RELATIONS
from regulars.store.merge_statements import is_listed
from regulars.store.schema import (
    activities,
    consent_requests,
    consents,
    customers,
    former_addresses,
    logs,
    newsletter_consents,
    relations,
)
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import not_deleted


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if column.name != "site_id"]


def _after(name: str, table: Table, *columns: Column[Any]) -> Statement:
    """The next `count` rows of a table after the number `after`, without customers who were merged into others."""
    listed = [is_listed()] if table is customers else []
    return Statement(
        name,
        select(*(columns or _columns(table)))
        .where(site_is(table), table.c.number > bindparam("after"), *listed)
        .order_by(table.c.number)
        .limit(bindparam("count")),
    )


def _of(name: str, chosen: Select[Any], table: Table, *conditions: Any) -> dict[bool, Statement]:
    """The rows of a table about customers: by whether they are a range of numbers, or else a list."""
    listed, (number,) = keys_of(table.c.customer)
    return {
        True: Statement(
            f"{name}_of_range",
            chosen.where(
                site_is(table),
                table.c.customer >= bindparam("first"),
                table.c.customer <= bindparam("last"),
                *conditions,
            ),
        ),
        False: Statement(
            f"{name}_of_customers",
            chosen.select_from(KeyedJoin(listed, table, and_(site_is(table), table.c.customer == number, *conditions))),
        ),
    }


_IDENTITY = [customers.c[name] for name in ("number", "uuid", "email", "customer_id")]
_TIE = [relations.c[name] for name in ("customer", "relation", "object", "holds", "at")]

CUSTOMERS_AFTER: Final = _after("export_customers", customers)
IDENTITIES_AFTER: Final = _after("export_identities", customers, *_IDENTITY)
ACTIVITIES_AFTER: Final = _after("export_activities", activities)
LOGS_AFTER: Final = _after("export_logs", logs)

_listed, (_number,) = keys_of(customers.c.number)
IDENTITIES_BY_NUMBER: Final = Statement(
    "export_identities_by_number",
    select(*_IDENTITY).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)

TIES: Final = _of("export_ties", select(*_TIE), relations, not_deleted())
_MAIL: Final[list[Any]] = [literal_column(str(relation.code)) for relation in RELATIONS if relation.kind == "broadcast"]
TIES_BUT_MAIL: Final = _of(
    "export_ties_but_mail", select(*_TIE), relations, relations.c.relation.not_in(_MAIL), not_deleted()
)
CONSENTS: Final = _of("export_consents", select(*_columns(consents)), consents)
_SOME_ADDRESS = former_addresses.c.email_key > literal_column("''")
_SOME_TIME = cast(literal_column(str(NULL)), BigInteger)
"""Below any time. Conditions that are always true make SQLite use the index of the customer and not the whole site."""

SUBSCRIPTIONS: Final = _of("export_newsletter_consents", select(*_columns(newsletter_consents)), newsletter_consents)
_REQUEST = [consent_requests.c[name] for name in ("customer", "number", "newsletter", "at", "expires_at", "wording")]
REQUESTS: Final = _of(
    "export_consent_requests",
    select(*_REQUEST, consent_requests.c.confirmed_at),
    consent_requests,
    consent_requests.c.at > _SOME_TIME,
)
FORMER: Final = _of("export_former_addresses", select(*_columns(former_addresses)), former_addresses, _SOME_ADDRESS)

_listed, (_customer,) = keys_of(activities.c.customer)
ACTIVITIES_OF: Final = Statement(
    "export_activities_of",
    select(*_columns(activities)).select_from(
        KeyedJoin(
            _listed,
            activities,
            and_(site_is(activities), activities.c.customer == _customer, activities.c.at > _SOME_TIME),
        )
    ),
)
_listed, (_log,) = keys_of(activities.c.log)
EVENTS_OF_LOGS: Final = Statement(
    "export_events_of_logs",
    select(*_columns(activities)).select_from(
        KeyedJoin(_listed, activities, and_(site_is(activities), activities.c.log == _log)).by("activities_log")
    ),
)
_listed, (_customer,) = keys_of(logs.c.customer)
LOGS_OF: Final = Statement(
    "export_logs_of",
    select(*_columns(logs)).select_from(
        KeyedJoin(_listed, logs, and_(site_is(logs), logs.c.customer == _customer, logs.c.created_at > _SOME_TIME))
    ),
)

_listed, (_number,) = keys_of(customers.c.number)
ROOTS_BY_NUMBER: Final = Statement(
    "export_wholes_by_number",
    select(customers.c.number, func.coalesce(customers.c.merged_into, customers.c.number)).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)
"""(customer, the one that it was merged into, or itself), for a list of customers."""

ATTRIBUTES_AFTER: Final = _after("export_attributes", customers, customers.c.number, customers.c.attributes)
_listed, (_number,) = keys_of(customers.c.number)
ATTRIBUTES_BY_NUMBER: Final = Statement(
    "export_attributes_by_number",
    select(customers.c.number, customers.c.attributes).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)
