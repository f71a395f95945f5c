"""Reads the reports of orders: the events by which an order was told."""

from sqlalchemy import and_, select

from regulars.store.schema import activities
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is


def order_reports(name: str, *columns: str) -> Statement:
    """The reports of orders, by customer, event and order: these columns of each, and what they say."""
    listed, (customer, event, order) = keys_of(activities.c.customer, activities.c.name, activities.c.order_id)
    return Statement(
        name,
        select(
            *(activities.c[each] for each in (*columns, "name", "order_id", "at", "uuid", "detail", "lacks"))
        ).select_from(
            KeyedJoin(
                listed,
                activities,
                and_(
                    site_is(activities),
                    activities.c.customer == customer,
                    activities.c.name == event,
                    activities.c.order_id == order,
                ),
            ).by("activities_orders")
        ),
    )
