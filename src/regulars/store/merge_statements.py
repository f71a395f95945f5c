"""Statements on merges, and on which customers are part of another one."""

from typing import Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    update,
)

from regulars.store.order_statements import order_reports
from regulars.store.schema import activities, consents, customers, merged_customers, merges, relations
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import not_deleted

_any_merged = select(merged_customers.c.number).where(site_is(merged_customers)).limit(literal_column("1"))


def is_listed() -> ColumnElement[bool]:
    """The condition that a customer is one of its own: it was not merged into another one."""
    return or_(customers.c.merged_into.is_(None), customers.c.merged_into == customers.c.number)


def whole_of(number: ColumnElement[int]) -> ColumnElement[int]:
    """The customer that a number stands for: the one that it was merged into, or itself.

    The first part is true for sites without merges, and evaluated once for all rows.
    """
    whole = (
        select(customers.c.merged_into)
        .where(site_is(customers), customers.c.number == number)
        .correlate_except(customers)
        .scalar_subquery()
    )
    return case((not_(exists(_any_merged)), number), else_=func.coalesce(whole, number))


_ROW: Final = [column for column in merges.c if column.name != "site_id"]
_ENDLESS: Final[ColumnElement[int]] = literal_column(str(2**62))

_listed, (_customer,) = keys_of(merged_customers.c.customer)
PARTS = Statement(
    "parts_of_customers",
    select(merged_customers.c.customer, merged_customers.c.number).select_from(
        KeyedJoin(_listed, merged_customers, and_(site_is(merged_customers), merged_customers.c.customer == _customer))
    ),
)
"""(customer, part) for a list of customers."""
ANY_MERGED = Statement("any_merged", _any_merged)
INSERT_PART = Statement("insert_merged_customer", insert(merged_customers))
DELETE_PART = Statement(
    "delete_merged_customer",
    delete(merged_customers).where(
        site_is(merged_customers),
        merged_customers.c.customer == bindparam("customer"),
        merged_customers.c.number == bindparam("number"),
    ),
)
DELETE_PARTS = Statement(
    "delete_merged_customers",
    delete(merged_customers).where(site_is(merged_customers), merged_customers.c.customer == bindparam("number")),
)
NEWEST_MERGE = Statement("newest_merge", select(func.max(merges.c.number)).where(site_is(merges)))
MERGE = Statement("merge", select(*_ROW).where(site_is(merges), merges.c.number == bindparam("number")))
MERGES = Statement(
    "merges_of_site",
    select(*_ROW[:-1], merges.c.body.is_not(None))
    .where(site_is(merges), merges.c.number < bindparam("below"))
    .order_by(merges.c.number.desc())
    .limit(bindparam("count")),
)
"""The newest merges with numbers below one, and whether each can still be undone, as far as it is kept."""


def _merges_of(name: str, column: str) -> Statement:
    listed, (customer,) = keys_of(merges.c[column])
    return Statement(
        name,
        select(*_ROW).select_from(
            KeyedJoin(
                listed,
                merges,
                and_(
                    site_is(merges),
                    merges.c[column] == customer,
                    merges.c.undone_at.is_(None),
                ),
            ).by(f"merges_{column}")
        ),
    )


MERGES_OF_SURVIVORS = _merges_of("merges_of_survivors", "survivor")
MERGES_OF_GONE = _merges_of("merges_of_gone", "gone")
"""Merges that are not undone, of a list of customers."""

INSERT_MERGE = Statement("insert_merge", insert(merges))
MARK_UNDONE = Statement(
    "mark_merge_undone",
    update(merges)
    .where(site_is(merges), merges.c.number == bindparam("number_is"))
    .values(undone_at=bindparam("undone_at"), body=null()),
)
OLD_MERGES = Statement(
    "old_merges",
    select(merges.c.number)
    .where(site_is(merges), merges.c.merged_at < bindparam("before"), merges.c.body.is_not(None))
    .order_by(merges.c.number)
    .limit(bindparam("count")),
)
FORGET_BODY = Statement(
    "forget_merge",
    update(merges).where(site_is(merges), merges.c.number == bindparam("number_is")).values(body=null()),
)
"""Erases what would undo a merge: it has personal data."""


def _delete_of(name: str, column: str) -> Statement:
    return Statement(
        name,
        delete(merges).where(site_is(merges), merges.c[column] == bindparam("number"), merges.c.number < _ENDLESS),
    )


DELETE_MERGES_OF_SURVIVOR = _delete_of("delete_merges_of_survivor", "survivor")
DELETE_MERGES_OF_GONE = _delete_of("delete_merges_of_gone", "gone")

_listed, (_customer,) = keys_of(relations.c.customer)
ALL_TIES = Statement(
    "all_ties",
    select(*(relations.c[name] for name in ("customer", "relation", "object", "holds", "at"))).select_from(
        KeyedJoin(_listed, relations, and_(site_is(relations), relations.c.customer == _customer, not_deleted()))
    ),
)
"""All ties of a list of customers."""

_ACTIVITY: Final = [column for column in activities.c if column.name != "site_id"]
_listed, (_customer,) = keys_of(activities.c.customer)
EVENTS_SINCE = Statement(
    "events_since",
    select(*_ACTIVITY).select_from(
        KeyedJoin(
            _listed,
            activities,
            and_(
                site_is(activities),
                activities.c.customer == _customer,
                activities.c["at"] > literal_column(str(-(2**62))),
                activities.c.number >= bindparam("first"),
            ),
        ).by("activities_customer")
    ),
)
"""The events of customers with numbers from one on."""

_listed, (_customer,) = keys_of(activities.c.customer)
ORDERS = Statement(
    "orders_of_customers",
    select(activities.c.name, activities.c.order_id).select_from(
        KeyedJoin(
            _listed,
            activities,
            and_(site_is(activities), activities.c.customer == _customer, activities.c.order_id.is_not(None)),
        ).by("activities_orders")
    ),
)
"""(event, order) of the events of a list of customers."""

REPORTS = order_reports("order_reports_with_numbers", "number", "customer")

_listed, (_customer,) = keys_of(consents.c.customer)
EVIDENCE = Statement(
    "evidence_of_customers",
    select(*(column for column in consents.c if column.name != "site_id")).select_from(
        KeyedJoin(_listed, consents, and_(site_is(consents), consents.c.customer == _customer))
    ),
)
