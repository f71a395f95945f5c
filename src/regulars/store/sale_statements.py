"""Statements on the events that sales and submissions of forms are read from, by their time."""

from typing import Any, Final, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from regulars.store.list_ranges import InBothDirections, in_both_directions
from regulars.store.merge_statements import whole_of
from regulars.store.schema import LISTED_EVENTS, activities, merged_customers
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_earlier: Final = cast(Table, activities.alias("earlier"))
_elsewhere: Final = cast(Table, activities.alias("elsewhere"))
_WHOLE: Final = whole_of(activities.c.customer)
_COLUMNS: Final[list[ColumnElement[Any]]] = [
    activities.c.number,
    _WHOLE.label("customer"),
    *(activities.c[name] for name in ("name", "at", "uuid", "order_id", "detail", "lacks")),
]


def _same_order(other: Table) -> ColumnElement[bool]:
    return and_(
        site_is(other),
        other.c.name == activities.c.name,
        other.c.order_id == activities.c.order_id,
        other.c.number < activities.c.number,
    )


_opens_order: Final = or_(
    activities.c.order_id.is_(None),
    and_(
        not_(
            exists(
                select(_earlier.c.number)
                .where(_same_order(_earlier), _earlier.c.customer == _WHOLE)
                .correlate(activities)
            )
        ),
        not_(
            exists(
                select(merged_customers.c.number)
                .where(
                    site_is(merged_customers),
                    merged_customers.c.customer == _WHOLE,
                    # A subquery that no planner turns into a join: SQLite would begin with all earlier events of the
                    # site, and PostgreSQL would hash them.
                    select(_elsewhere.c.number)
                    .where(_same_order(_elsewhere), _elsewhere.c.customer == merged_customers.c.number)
                    .limit(literal_column("1"))
                    .correlate(activities, merged_customers)
                    .scalar_subquery()
                    .is_not(None),
                )
                .correlate(activities)
            )
        ),
    ),
)
"""The condition that an event is the first report of its order, also where customers who reported it were merged."""


def _text(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'")


_is_listed: Final = activities.c.name.in_([_text(name) for name in LISTED_EVENTS])
"""The condition of the index, which its statements repeat."""

_since, _until = (bindparam(name, type_=BigInteger) for name in ("since", "until"))
_conditions: Final = {
    "purchases": and_(activities.c.name == _text("purchase"), _opens_order),
    "transactions": activities.c.name.in_([_text("purchase"), _text("refund")]),
    "submissions": activities.c.name == _text("form_submitted"),
}
KINDS: Final = tuple(_conditions)
"""What is listed: orders by their first purchase, purchases and refunds, and submissions of forms."""

_of_times: Final = and_(site_is(activities), activities.c.at >= _since, activities.c.at <= _until)
_listed, (_customer,) = keys_of(activities.c.customer)
_of_customers: Final = KeyedJoin(
    _listed, activities, and_(site_is(activities), activities.c.customer == _customer, _of_times)
).by("activities_customer")


def _in_time(kind: str) -> ColumnElement[bool]:
    """The condition on the times, with that of the index: submissions have one of their own."""
    return _of_times if kind == "submissions" else and_(_of_times, _is_listed)


def _of(kind: str) -> InBothDirections:
    condition = and_(_in_time(kind), _conditions[kind])
    return in_both_directions(kind, _COLUMNS, activities, condition, at=activities.c.at, number=activities.c.number)


def _of_some(kind: str) -> InBothDirections:
    return in_both_directions(
        f"{kind}_of_customers",
        _COLUMNS,
        _of_customers,
        and_(site_is(activities), _conditions[kind]),
        at=activities.c.at,
        number=activities.c.number,
    )


def _counting(name: str, rows: Any) -> Statement:
    return Statement(name, select(func.count()).select_from(rows.subquery("counted")))


OF_SITE: Final = {kind: _of(kind) for kind in KINDS}
OF_CUSTOMERS: Final = {kind: _of_some(kind) for kind in KINDS}
COUNT: Final = {
    kind: _counting(f"count_{kind}", select(activities.c.number).where(_in_time(kind), _conditions[kind]))
    for kind in KINDS
}
_orders: Final = (
    select(activities.c.customer, activities.c.name, activities.c.order_id)
    .where(site_is(activities), activities.c.order_id.is_not(None))
    .distinct()
    .subquery("orders")
)
COUNT_ALL_PURCHASES: Final = Statement(
    "count_all_purchases",
    select(
        select(func.count())
        .select_from(activities)
        .where(site_is(activities), _is_listed, activities.c.name == _text("purchase"), activities.c.order_id.is_(None))
        .scalar_subquery()
        + select(func.count().filter(_orders.c.name == _text("purchase"))).select_from(_orders).scalar_subquery()
    ),
)
"""The number of purchases of a site, whenever they were: those without an order, and the orders of each customer.

These are counted in the order of an index. An order that several customers reported who were merged counts for each.
"""

PARTS_OF_SITE: Final = Statement(
    "parts_of_site",
    select(merged_customers.c.customer, merged_customers.c.number).where(site_is(merged_customers)),
)
"""(customer, the one that was merged into it)."""

_listed, (_group, _member) = keys_of(merged_customers.c.customer, merged_customers.c.number)
ORDERS_OF_PARTS: Final = Statement(
    "orders_of_parts",
    select(_group, activities.c.order_id, activities.c.customer).select_from(
        KeyedJoin(
            _listed,
            activities,
            and_(
                site_is(activities),
                activities.c.customer == _member,
                activities.c.name == _text("purchase"),
                activities.c.order_id.is_not(None),
            ),
        )
    ),
)
"""(group, order, customer) of each purchase, for a list of (group, customer)."""

COUNT_AFTER: Final = {
    kind: _counting(
        f"count_{kind}_after",
        select(activities.c.number).where(
            site_is(activities), activities.c.number > bindparam("after", type_=BigInteger), _conditions[kind]
        ),
    )
    for kind in KINDS
}
"""Those whose numbers are above one."""

COUNT_OF_CUSTOMER: Final = {
    kind: _counting(
        f"count_{kind}_of_customer",
        select(activities.c.number).where(
            _in_time(kind), activities.c.customer == bindparam("customer"), _conditions[kind]
        ),
    )
    for kind in KINDS
}
ONE: Final = {
    kind: Statement(
        f"{kind}_by_number",
        select(*_COLUMNS).where(site_is(activities), activities.c.number == bindparam("event"), _conditions[kind]),
    )
    for kind in KINDS
}
BY_UUID: Final = Statement(
    "number_of_event",
    select(activities.c.number).where(site_is(activities), activities.c.uuid == bindparam("uuid_is")),
)
