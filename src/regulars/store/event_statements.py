"""Statements that read activity for event columns, and the times of ties."""

from typing import Final

from sqlalchemy import and_, bindparam, func, literal_column, or_, select

from regulars.store.merge_statements import whole_of
from regulars.store.schema import LISTED_EVENTS, activities, objects, relations
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import not_deleted

_WHOLE: Final = whole_of(activities.c.customer).label("customer")
"""The customer of an event, also if the one that it named was merged into that."""

_ROW: Final = [
    _WHOLE if name == "customer" else activities.c[name] for name in ("number", "customer", "name", "at", "log")
]
_numbers: Final = (activities.c.number > bindparam("after"), activities.c.number <= bindparam("until"))

LAST_EVENT: Final = Statement("last_event", select(func.max(activities.c.number)).where(site_is(activities)))
EVENT_NAMES: Final = Statement(
    "event_names",
    select(activities.c.name, func.count())
    .where(site_is(activities), activities.c.number > bindparam("after"))
    .group_by(activities.c.name)
    .order_by(func.count().desc(), activities.c.name)
    .limit(bindparam("count")),
)
"""The commonest names of events whose numbers are above one, with how many events have them."""

EVENTS_AFTER: Final = Statement(
    "events_after",
    select(*_ROW, activities.c.detail)
    .where(site_is(activities), activities.c.number > bindparam("after"))
    .order_by(activities.c.number)
    .limit(bindparam("count")),
)
EVENTS_NAMED: Final = Statement(
    "events_named",
    select(*_ROW, activities.c.detail).where(
        site_is(activities), *_numbers, activities.c.name == bindparam("event_name")
    ),
)
_listed, (_customer, _at) = keys_of(activities.c.customer, activities.c.at)
EVENTS_AT: Final = Statement(
    "events_at",
    select(activities.c.at, activities.c.name, activities.c.uuid, activities.c.number).select_from(
        KeyedJoin(
            _listed,
            activities,
            and_(site_is(activities), activities.c.customer == _customer, activities.c.at == _at),
        ).by("activities_customer")
    ),
)
"""The events of customers at given times."""

TIMES_NAMED: Final = Statement(
    "times_of_events_named",
    select(_WHOLE, activities.c.at).where(site_is(activities), *_numbers, activities.c.name == bindparam("event_name")),
)
"""The same without what only some columns need, which is most of the reading."""

TIMES_LISTED: Final = Statement(
    "times_of_listed_events",
    select(_WHOLE, activities.c.at, activities.c.number)
    .where(
        site_is(activities),
        activities.c.number <= bindparam("until"),
        activities.c.name == bindparam("event_name"),
        activities.c.name.in_([literal_column(f"'{name}'") for name in LISTED_EVENTS]),
        activities.c.at >= bindparam("after_at"),
        or_(activities.c.at > bindparam("after_at"), activities.c.number > bindparam("after")),
    )
    .order_by(activities.c.at, activities.c.number)
    .limit(bindparam("count")),
)
"""The same of one of LISTED_EVENTS, in the order of time, from an index that has only those events."""

_listed, (_kind, _key) = keys_of(objects.c.kind, objects.c.key)
NUMBERS_OF_KEYS: Final = Statement(
    "numbers_of_keys",
    select(objects.c.kind, objects.c.key, objects.c.number).select_from(
        KeyedJoin(_listed, objects, and_(site_is(objects), objects.c.kind == _kind, objects.c.key == _key))
    ),
)
_listed, (_customer,) = keys_of(relations.c.customer)
TIE_TIMES: Final = Statement(
    "tie_times",
    select(relations.c.customer, relations.c.at).select_from(
        KeyedJoin(
            _listed,
            relations,
            and_(
                site_is(relations),
                relations.c.customer == _customer,
                relations.c.relation == bindparam("relation"),
                relations.c.object == bindparam("object"),
                relations.c.holds == 1,
                not_deleted(),
            ),
        )
    ),
)
