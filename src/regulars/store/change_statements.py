"""Statements that read and prune the change log, and that load an index."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Table, Text, and_, bindparam, case, cast, delete, func, literal_column, select

from regulars.domain.changes import COLUMNS, NULL, TEXTS
from regulars.store.schema import changes, customers, relations
from regulars.store.statement import (
    JoinedJson,
    JoinedLines,
    JsonAt,
    JsonGroupArray,
    KeyedJoin,
    Statement,
    keys_of,
    site_is,
)
from regulars.store.tie_statements import changed_at, not_deleted

PACKED_CUSTOMER_BITS = 15
PACKED_RELATION_BITS = 8
PACKED_OBJECT_END = 1 << (63 - PACKED_RELATION_BITS - PACKED_CUSTOMER_BITS)

_NULL = cast(literal_column(str(NULL)), BigInteger)
CHANGES_AFTER = Statement(
    "changes_after",
    select(changes.c.number, changes.c.token, changes.c.previous, changes.c.last, changes.c.body)
    .where(site_is(changes), changes.c.number > bindparam("after"), changes.c.number <= bindparam("until"))
    .order_by(changes.c.number, changes.c.part),
)
_TEXTS = [customers.c[name] for name in ("name", "email", "customer_id", *TEXTS[2:])]
_listed, (_number,) = keys_of(customers.c.number)
TEXTS_OF = Statement(
    "texts_of",
    select(customers.c.number, *_TEXTS).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)
ATTRIBUTES_OF = Statement(
    "attributes_of",
    select(customers.c.number, customers.c.attributes).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)
_next_attributes = (
    select(customers.c.number, customers.c.attributes)
    .where(site_is(customers), customers.c.number > bindparam("after"))
    .order_by(customers.c.number)
    .limit(bindparam("count"))
    .subquery()
)
_number_of_those_with_any = case((_next_attributes.c.attributes.is_not(None), cast(_next_attributes.c.number, Text)))
LOAD_ATTRIBUTES = Statement(
    "load_attributes",
    # Packed into one row: a row of each customer would cost more than reading it.
    select(
        func.count(),
        func.max(_next_attributes.c.number),
        JoinedJson(_number_of_those_with_any),
        JoinedJson(_next_attributes.c.attributes),
    ).select_from(_next_attributes),
)
LOAD_VALUES = Statement(
    "load_values",
    select(
        JoinedJson(cast(customers.c.number, Text)),
        JoinedLines(
            func.coalesce(JsonAt(customers.c.attributes, bindparam("path", type_=Text)), literal_column("'null'"))
        ),
    ).where(site_is(customers), customers.c.number > bindparam("after"), customers.c.number <= bindparam("until")),
)
"""The values of one attribute of a range of customers, packed into one row as LOAD_ATTRIBUTES is."""

BUCKETS_OF = Statement(
    "buckets_of",
    select(customers.c.number, customers.c.bucket).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number))
    ),
)
LOAD_BUCKETS = Statement(
    "load_buckets",
    select(customers.c.number, customers.c.bucket)
    .where(site_is(customers), customers.c.number > bindparam("after"))
    .order_by(customers.c.number)
    .limit(bindparam("count")),
)
_SINCE_CREATED = {"joined_at": customers.c.joined_at, "updated_at": changed_at()}
_LOADED = [
    func.coalesce(_SINCE_CREATED[name], customers.c.created_at)
    if name in _SINCE_CREATED
    else func.coalesce(customers.c[name], _NULL)
    for name in COLUMNS
]
LOAD_CUSTOMERS = Statement(
    "load_customers",
    select(customers.c.number, *_LOADED, customers.c.merged_into, *_TEXTS)
    .where(site_is(customers), customers.c.number > bindparam("after"))
    .order_by(customers.c.number)
    .limit(bindparam("count")),
)
LAST_CUSTOMER = Statement("last_customer", select(func.max(customers.c.number)).where(site_is(customers)))
LOAD_TIES = Statement(
    "load_ties",
    select(relations.c.relation, relations.c.object, JsonGroupArray(relations.c.customer))
    .where(
        site_is(relations),
        relations.c.customer > bindparam("after"),
        relations.c.customer <= bindparam("until"),
        relations.c.holds == literal_column("1"),
        not_deleted(),
    )
    .group_by(relations.c.relation, relations.c.object),
)

_packed = (
    relations.c.object.bitwise_lshift(literal_column(str(PACKED_RELATION_BITS + PACKED_CUSTOMER_BITS)))
    + cast(relations.c.relation, BigInteger).bitwise_lshift(literal_column(str(PACKED_CUSTOMER_BITS)))
    + (relations.c.customer - cast(bindparam("after"), BigInteger))
)
LOAD_PACKED_TIES = Statement(
    "load_packed_ties",
    select(func.max(relations.c.object), JsonGroupArray(_packed)).where(
        site_is(relations),
        relations.c.customer > bindparam("after"),
        relations.c.customer <= bindparam("until"),
        relations.c.holds == literal_column("1"),
        not_deleted(),
    ),
)
"""(largest object number, ties of a range of customers packed into integers), three times as fast as LOAD_TIES.

A packed tie holds the object, the relation and the customer's offset from `after`, in the numbers of bits given above.
The ties are meaningless if the largest object number is PACKED_OBJECT_END or more.
"""


class Prunable(NamedTuple):
    """The statements that prune the oldest rows of a table that is numbered by change.

    oldest: the smallest number. expired: (number of rows, largest number) of the rows in a slice older than a given
    time. delete: deletes a slice.
    """

    oldest: Statement
    expired: Statement
    delete: Statement


def prunable(table: Table) -> Prunable:
    """The pruning statements of a table with the columns `number` and `at`."""
    of_slice = (
        site_is(table),
        table.c.number >= cast(bindparam("first"), BigInteger),
        table.c.number < cast(bindparam("last"), BigInteger),
    )
    expired = select(func.count(), func.max(table.c.number)).where(
        *of_slice, table.c.at < cast(bindparam("before"), BigInteger)
    )
    return Prunable(
        Statement(f"oldest_of_{table.name}", select(func.min(table.c.number)).where(site_is(table))),
        Statement(f"expired_{table.name}", expired),
        Statement(f"prune_{table.name}", delete(table).where(*of_slice)),
    )


CHANGES = prunable(changes)
OLDEST_CHANGE = CHANGES.oldest
