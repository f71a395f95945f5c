"""Statements on pictures: the flags, groups and newsletters of customers, as they are read with them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, literal_column, select

from regulars.domain.relations import BY_CODE, KIND_CODES, PROFILE_RELATIONS_END
from regulars.store.schema import customers, objects, relations
from regulars.store.statement import JsonArray, JsonGroupArray, KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import not_deleted

PICTURE_LIMIT: Final = 50
"""The number of ties that are read together with a customer. A picture with more is read on its own.

The ties come as one value of one row, so this bounds what a row costs: a batch reads a thousand customers in one
iteration of the event loop.
"""


def _kind_of(relation: ColumnElement[int]) -> ColumnElement[int]:
    """The code of the kind of object that a relation of a picture ties to; NULL for a flag."""
    return case(
        *(
            (relation == literal_column(str(code)), literal_column(str(KIND_CODES[item.kind])))
            for code, item in BY_CODE.items()
            if item.kind and code < PROFILE_RELATIONS_END
        )
    )


_is_picture = relations.c.relation < literal_column(str(PROFILE_RELATIONS_END))
_ties_of_customer = (
    select(relations.c.relation, relations.c.object, relations.c.holds, relations.c.at)
    .where(site_is(relations), relations.c.customer == customers.c.number, _is_picture, not_deleted())
    .correlate(customers)
)


def _as_json(chosen: Select[Any]) -> ColumnElement[str]:
    """Ties as JSON, with the keys of the objects that have one."""
    ties = chosen.subquery("ties")
    kind = _kind_of(ties.c.relation)
    return (
        select(JsonGroupArray(JsonArray(*ties.c, objects.c.key)))
        .select_from(
            ties.outerjoin(objects, and_(site_is(objects), objects.c.kind == kind, objects.c.number == ties.c.object))
        )
        .correlate(customers)
        .scalar_subquery()
    )


picture: Final = _as_json(_ties_of_customer.limit(literal_column(str(PICTURE_LIMIT + 1))))
"""The first ties of a customer's picture as JSON; with more than PICTURE_LIMIT, the picture is cut."""

_listed, (_number,) = keys_of(customers.c.number)
WHOLE_PICTURES: Final = Statement(
    "whole_pictures",
    select(customers.c.number, _as_json(_ties_of_customer)).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)
"""(customer, all ties of its picture as JSON), for a list of customers."""

_listed, (_number,) = keys_of(relations.c.customer)
PICTURE_TIES: Final = Statement(
    "picture_ties",
    select(
        relations.c.relation,
        relations.c.object,
        relations.c.holds,
        relations.c.at,
        select(objects.c.key)
        .where(
            site_is(objects), objects.c.kind == _kind_of(relations.c.relation), objects.c.number == relations.c.object
        )
        .correlate(relations)
        .scalar_subquery(),
    ).select_from(
        KeyedJoin(
            _listed, relations, and_(site_is(relations), relations.c.customer == _number, _is_picture, not_deleted())
        )
    ),
)
"""All ties of the pictures of a list of customers, one per row, in the form of the JSON."""
