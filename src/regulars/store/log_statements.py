"""Statements on mails and customer history, besides those used by a batch."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, and_, bindparam, literal_column, or_, select

from regulars.store.schema import activities, logs
from regulars.store.statement import Statement, site_is

_LOG: Final = [column for column in logs.c if column.name != "site_id"]
_ACTIVITY: Final = [column for column in activities.c if column.name != "site_id"]

LOGS_BY_KEY = Statement(
    "logs_by_key",
    select(*_LOG)
    .where(site_is(logs), logs.c.key == bindparam("key"))
    .order_by(logs.c.created_at.desc(), logs.c.number.desc())
    .limit(bindparam("count")),
)
LOGS_OF_SITE = Statement(
    "logs_of_site",
    select(*_LOG)
    .where(
        site_is(logs),
        logs.c.created_at > bindparam("after"),
        logs.c.created_at <= bindparam("until"),
        or_(
            logs.c.created_at < bindparam("until"),
            and_(logs.c.created_at == bindparam("until"), logs.c.number < bindparam("before_number")),
        ),
    )
    .order_by(logs.c.created_at.desc(), logs.c.number.desc())
    .limit(bindparam("count"))
    .offset(bindparam("skip")),
)
"""The newest mails later than `after` and before the position (until, before_number)."""
EVENTS_OF_LOG = Statement(
    "events_of_log",
    select(activities.c.name, activities.c.at, activities.c.detail)
    # Written as a range, because with an equality SQLite would scan the whole site by its primary key.
    .where(site_is(activities), activities.c.log.between(bindparam("log"), bindparam("log")))
    .order_by(activities.c.log, activities.c.number)
    .limit(bindparam("count")),
)
"""The events reported for a mail, in order of arrival."""


def _latest(name: str, order: Sequence[ColumnElement[Any]], *conditions: ColumnElement[bool]) -> Statement:
    """Of the first `looked_at` activities in an order, those with a given name, or all if `any_name` is 1."""
    first = (
        select(*_ACTIVITY).where(site_is(activities), *conditions).order_by(*order).limit(bindparam("looked_at"))
    ).subquery("first")
    wanted = or_(bindparam("any_name", type_=Integer) == literal_column("1"), first.c.name == bindparam("name"))
    placed = [first.c[column.name].desc() for column in (activities.c.at, activities.c.number) if len(order) > 1]
    return Statement(
        name,
        select(first).where(wanted).order_by(*(placed or [first.c.number.desc()])).limit(bindparam("count")),
    )


ACTIVITIES_OF_CUSTOMER = _latest(
    "activities_of_customer",
    (activities.c.at.desc(), activities.c.number.desc()),
    activities.c.customer == bindparam("customer"),
)
LATEST_ACTIVITIES = _latest("latest_activities", (activities.c.number.desc(),))
