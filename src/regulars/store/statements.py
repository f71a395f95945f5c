"""Statements on the customer tables. Each names its site; a lookup of many keys is a KeyedJoin."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.domain.changes import NULL
from regulars.domain.customer import IDENTITY_FIELDS
from regulars.domain.objects import OWN_NUMBERS
from regulars.store.merge_statements import is_listed
from regulars.store.order_statements import order_reports
from regulars.store.picture_statements import picture
from regulars.store.schema import activities, changes, consents, customers, logs, objects, relations, site_heads
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import changed_at, not_deleted


def _columns(table: Table) -> list:  # type: ignore[type-arg]
    """All columns except site_id and the fence: the fields of the struct for a row."""
    return [column for column in table.c if column.name not in ("site_id", "fence")]


def _by(name: str, table: Table, *names: str, beside: Sequence[ColumnElement[Any]] = ()) -> Statement:
    """Look up rows of a table by one of its keys, for a list of keys, optionally with further columns."""
    columns = [table.c[each] for each in names]
    listed, values = keys_of(*columns)
    conditions = [column == value for column, value in zip(columns, values, strict=True)]
    return Statement(
        name, select(*_columns(table), *beside).select_from(KeyedJoin(listed, table, and_(site_is(table), *conditions)))
    )


_NULL = cast(literal_column(str(NULL)), BigInteger)
LOG_FIELDS = (
    *("address_key", "recipient_name", "recipient_address", "created_at", "status", "status_at", "message"),
    *("email_id", "email_name", "email_version", "opens", "clicks"),
)
"""The fields of an existing log that an event can change."""

# -- the head -------------------------------------------------------------------------------------------------

TAKE_HEAD = Statement(
    "take_head",
    update(site_heads)
    .where(site_is(site_heads))
    .values(
        head=site_heads.c.head + 1,
        fenced_head=site_heads.c.head + 1,
        previous=site_heads.c.token,
        token=bindparam("new_token"),
        moment=case(
            (site_heads.c.moment < bindparam("now", type_=BigInteger), bindparam("now", type_=BigInteger)),
            else_=site_heads.c.moment + 1,
        ),
    )
    .returning(
        site_heads.c.head,
        site_heads.c.token,
        site_heads.c.previous,
        site_heads.c.next_customer,
        site_heads.c.next_activity,
        site_heads.c.next_log,
        site_heads.c.next_consent,
        site_heads.c.moment,
    ),
)
GIVE_BACK_HEAD = Statement(
    "give_back_head",
    update(site_heads)
    .where(site_is(site_heads))
    .values(
        head=site_heads.c.head - literal_column("1"),
        fenced_head=site_heads.c.head - literal_column("1"),
        token=site_heads.c.previous,
    ),
)
"""Undoes TAKE_HEAD for a site whose commands changed nothing, while the transaction continues for other sites."""
SAVE_COUNTERS = Statement(
    "save_counters",
    update(site_heads)
    .where(site_is(site_heads))
    .values(
        next_customer=bindparam("customer"),
        next_activity=bindparam("activity"),
        next_log=bindparam("log"),
        next_consent=bindparam("consent"),
    ),
)
LOCK_HEAD = Statement("lock_head", select(site_heads.c.head).where(site_is(site_heads)).with_for_update())
"""Waits for the current holder of the site's lock."""
CHANGE_TOKEN = Statement(
    "change_token",
    select(changes.c.token).where(
        site_is(changes), changes.c.number == bindparam("number"), changes.c.part == literal_column("0")
    ),
)
HEAD = Statement("head", select(site_heads.c.head, site_heads.c.token).where(site_is(site_heads)))
_HEAD = [column.name for column in site_heads.c if "fence" not in column.name]
NEW_HEAD = Statement(
    "new_head",
    insert(site_heads).values({name: bindparam(name) for name in _HEAD}),
)

# -- what a batch reads ---------------------------------------------------------------------------------------

PEOPLE_BY_EMAIL = _by("people_by_email", customers, "email_key", beside=[picture])
PEOPLE_BY_CUSTOMER_ID = _by("people_by_customer_id", customers, "customer_id", beside=[picture])
PEOPLE_BY_UUID = _by("people_by_uuid", customers, "uuid", beside=[picture])
PEOPLE_BY_NUMBER = _by("people_by_number", customers, "number", beside=[picture])
_listed, (_number,) = keys_of(customers.c.number)
CUSTOMERS_BY_NUMBER = Statement(
    "customers_by_number",
    select(*(changed_at() if column.name == "changed_at" else column for column in _columns(customers))).select_from(
        KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number, is_listed()))
    ),
)
LOGS_BY_NUMBER = _by("logs_by_number", logs, "number")
LOGS_BY_IDENTITY = _by("logs_by_identity", logs, "identity")
OBJECTS_BY_NUMBER = _by("objects_by_number", objects, "kind", "number")
OBJECTS_BY_KEY = _by("objects_by_key", objects, "kind", "key")
OBJECTS_BY_NAME = _by("objects_by_name", objects, "kind", "name_key")
CONSENTS_OF = _by("consents_of", consents, "customer")

_listed, (_uuid,) = keys_of(activities.c.uuid)
SEEN_UUIDS = Statement(
    "seen_uuids",
    select(activities.c.uuid, activities.c.customer, activities.c.log).select_from(
        KeyedJoin(_listed, activities, and_(site_is(activities), activities.c.uuid == _uuid))
    ),
)
ORDER_REPORTS = order_reports("order_reports", "customer")
_listed, (_kind,) = keys_of(objects.c.kind)
LAST_OBJECT_NUMBERS = Statement(
    "last_object_numbers",
    select(
        _kind,
        select(func.max(objects.c.number))
        .where(
            site_is(objects),
            objects.c.kind == _kind,
            objects.c.number >= literal_column(str(OWN_NUMBERS.start)),
            objects.c.number < literal_column(str(OWN_NUMBERS.stop)),
        )
        .correlate(_listed)
        .scalar_subquery(),
    ).select_from(_listed),
)
"""(kind, largest number that we have assigned for it), for a list of kinds."""

# -- what a batch writes --------------------------------------------------------------------------------------

_CHANGING = [column for column in _columns(customers) if column.name != "number" and column.name not in IDENTITY_FIELDS]
INSERT_CUSTOMERS = Statement("insert_customers", insert(customers))
UPDATE_CUSTOMERS = Statement(
    "update_customers",
    update(customers)
    .where(site_is(customers), customers.c.number == bindparam("number_is"))
    .values({column: bindparam(column.name) for column in _CHANGING}),
)
_kept = upsert(customers)
SAVE_CHANGED_CUSTOMERS = Statement(
    "save_changed_customers",
    _kept.on_conflict_do_update(
        index_elements=["site_id", "number"], set_={column.name: _kept.excluded[column.name] for column in _CHANGING}
    ),
)
"""UPDATE_CUSTOMERS for whole rows of existing customers, where a statement with many rows is cheaper than one a row.

PostgreSQL could update from a list of rows, too, but is free to read the whole site for it instead of its key.
"""
CLEAR_IDENTITY = Statement(
    "clear_identity",
    update(customers)
    .where(site_is(customers), customers.c.number == bindparam("number_is"))
    .values(email_key=null(), customer_id=null()),
)
"""Clears identifiers before new ones are written, since two customers in a batch may swap theirs."""
UPDATE_IDENTITY = Statement(
    "update_identity",
    update(customers)
    .where(site_is(customers), customers.c.number == bindparam("number_is"))
    .values({customers.c[name]: bindparam(name) for name in IDENTITY_FIELDS}),
)
DELETE_CUSTOMERS = Statement(
    "delete_customers", delete(customers).where(site_is(customers), customers.c.number == bindparam("number"))
)
DELETE_TIES = Statement(
    "delete_ties", delete(relations).where(site_is(relations), relations.c.customer == bindparam("number"))
)
DELETE_HISTORY = Statement(
    "delete_history",
    delete(activities).where(
        site_is(activities),
        activities.c.customer == bindparam("number"),
        activities.c.at > _NULL,
        activities.c.log.is_(null()),
    ),
)
"""The condition on the time is always true; it makes SQLite use the customer's index instead of scanning the site."""
ERASE_DETAILS = Statement(
    "erase_details",
    update(activities)
    .where(site_is(activities), activities.c.customer == bindparam("number"), activities.c.at > _NULL)
    .values(detail=null()),
)
"""Erases the details sent with mail events that are kept, as they may identify the person beyond the address."""
FORGET_LOGS = Statement(
    "forget_logs",
    update(logs)
    .where(site_is(logs), logs.c.customer == bindparam("number"), logs.c.created_at > _NULL)
    .values(recipient_name=null(), message=literal_column("''")),
)
"""The mails are kept by address: see `mail.Log.forget`."""
DELETE_CONSENTS = Statement(
    "delete_consents", delete(consents).where(site_is(consents), consents.c.customer == bindparam("number"))
)
INSERT_LOGS = Statement("insert_logs", insert(logs))
UPDATE_LOGS = Statement(
    "update_logs",
    update(logs)
    .where(site_is(logs), logs.c.number == bindparam("number_is"))
    .values({logs.c[name]: bindparam(name) for name in LOG_FIELDS}),
)
_sent = upsert(logs)
SAVE_CHANGED_LOGS = Statement(
    "save_changed_logs",
    _sent.on_conflict_do_update(
        index_elements=["site_id", "number"], set_={name: _sent.excluded[name] for name in LOG_FIELDS}
    ),
)
"""The same for logs."""
INSERT_ACTIVITIES = Statement("insert_activities", insert(activities))
INSERT_CONSENTS = Statement("insert_consents", insert(consents))
INSERT_CHANGES = Statement("insert_changes", insert(changes))

# -- reads ----------------------------------------------------------------------------------------------------


_CARD = [
    customers.c[name]
    for name in (
        *("number", "uuid", "created_at", "updated_at", "bucket", "email", "email_key", "customer_id", "joined_at"),
        *("name", "firstname", "lastname", "phone_number", "gender", "locale", "attributes"),
        *("lifetime_revenue", "lifetime_orders", "lifetime_visits", "unsubscribed_at"),
        *("engagement_percentile", "purchase_percentile", "retention_percentile", "merged_into"),
    )
]
"""The fields of `reads.CustomerCard`, in their order."""


def _person_by(column: str) -> Statement:
    """One customer by one of its keys, with its picture's ties as JSON: one statement, one lookup."""
    return Statement(
        f"person_by_{column}",
        select(*_CARD, picture).where(site_is(customers), customers.c[column] == bindparam("key")),
    )


def _number_by(column: str) -> Statement:
    """The number of the customer with an identifier; of one that was merged, that of the customer it is part of."""
    return Statement(
        f"number_by_{column}",
        select(func.coalesce(customers.c.merged_into, customers.c.number)).where(
            site_is(customers), customers.c[column] == bindparam("key")
        ),
    )


NUMBER_BY_EMAIL = _number_by("email_key")
NUMBER_BY_CUSTOMER_ID = _number_by("customer_id")
NUMBER_BY_UUID = _number_by("uuid")
WHOLE_NUMBER = _number_by("number")
PERSON_BY_EMAIL = _person_by("email_key")
PERSON_BY_CUSTOMER_ID = _person_by("customer_id")
PERSON_BY_UUID = _person_by("uuid")
PERSON_BY_NUMBER = _person_by("number")

_listed, (_number,) = keys_of(customers.c.number)
LINES_BY_NUMBER = Statement(
    "lines_by_number",
    select(
        *(
            changed_at() if name == "changed_at" else customers.c[name]
            for name in (
                "number",
                "created_at",
                "changed_at",
                "email",
                "customer_id",
                "last_request_at",
                "name",
                "net_revenue",
                "bounced_at",
            )
        )
    ).select_from(KeyedJoin(_listed, customers, and_(site_is(customers), customers.c.number == _number, is_listed()))),
)
"""The customers of a page with the fields shown in lists; columns in the order of `reads.CustomerLine`."""

_listed, (_number,) = keys_of(relations.c.customer)
HELD_TIES = Statement(
    "held_ties",
    select(relations.c.customer, relations.c.relation, relations.c.object).select_from(
        KeyedJoin(
            _listed,
            relations,
            and_(
                site_is(relations),
                relations.c.customer == _number,
                relations.c.relation >= bindparam("first"),
                relations.c.relation <= bindparam("last"),
                relations.c.holds == literal_column("1"),
                not_deleted(),
            ),
        )
    ),
)
"""The current ties of a list of customers, within a range of relation codes."""


def _logs_of(name: str, column: str, parameter: str) -> Statement:
    """The newest mails with this value in a column, between two times (exclusive)."""
    return Statement(
        name,
        select(*_columns(logs))
        .where(
            site_is(logs),
            logs.c[column] == bindparam(parameter),
            logs.c.created_at > bindparam("after"),
            logs.c.created_at < bindparam("before"),
        )
        .order_by(logs.c.created_at.desc(), logs.c.number.desc())
        .limit(bindparam("count")),
    )


LOGS_OF_ADDRESS = _logs_of("logs_of_address", "address_key", "email")
LOGS_OF_CUSTOMER = _logs_of("logs_of_customer", "customer", "customer")
