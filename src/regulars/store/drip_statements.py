"""Statements on the plans of drip campaigns and on the mails that wait to be sent."""

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, insert, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.store.schema import drip_campaigns, pending_mails
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import not_fenced

_EXISTS = not_fenced("sequence", pending_mails.c.sequence)
_KEPT = (site_is(pending_mails), _EXISTS)
_MAIL = [column for column in pending_mails.c if column.name != "site_id"]


def _by(name: str, table: Table, column: str, *conditions: ColumnElement[bool]) -> Statement:
    """The rows of a table with a value in a column, for a list of values."""
    listed, (value,) = keys_of(table.c[column])
    columns = [each for each in table.c if each.name != "site_id"]
    on = and_(site_is(table), table.c[column] == value, *conditions)
    return Statement(name, select(*columns).select_from(KeyedJoin(listed, table, on)))


PLANS = _by("drip_plans", drip_campaigns, "sequence")
PENDING_BY_NUMBER = _by("pending_by_number", pending_mails, "number", _EXISTS)

_listed, (_address,) = keys_of(pending_mails.c.address_key)
PENDING_BY_ADDRESS = Statement(
    "pending_by_address",
    select(*_MAIL).select_from(
        KeyedJoin(_listed, pending_mails, and_(*_KEPT, pending_mails.c.address_key == _address)).by(
            "pending_mails_address"
        )
    ),
)
_listed, (_customer,) = keys_of(pending_mails.c.customer)
PENDING_BY_CUSTOMER = Statement(
    "pending_by_customer",
    select(*_MAIL).select_from(
        KeyedJoin(_listed, pending_mails, and_(*_KEPT, pending_mails.c.customer == _customer)).by(
            "pending_mails_customer"
        )
    ),
)

_plan = upsert(drip_campaigns)
SAVE_PLANS = Statement(
    "save_drip_plans",
    _plan.on_conflict_do_update(
        index_elements=["site_id", "sequence"],
        set_={name: _plan.excluded[name] for name in ("enabled", "trigger_template", "steps")},
    ),
)
DELETE_PLANS = Statement(
    "delete_drip_plans",
    delete(drip_campaigns).where(site_is(drip_campaigns), drip_campaigns.c.sequence == bindparam("sequence")),
)
INSERT_PENDING = Statement("insert_pending_mails", insert(pending_mails))
DELETE_PENDING = Statement(
    "delete_pending_mails",
    delete(pending_mails).where(site_is(pending_mails), pending_mails.c.number == bindparam("number")),
)
DELETE_PENDING_OF_CAMPAIGN = Statement(
    "delete_pending_mails_of_campaign",
    delete(pending_mails).where(
        site_is(pending_mails),
        pending_mails.c.sequence == bindparam("sequence"),
        pending_mails.c.address_key > literal_column("''"),
    ),
)
"""The condition on the address is always true; it makes SQLite use the index instead of scanning the site."""

MAILS_OF_CAMPAIGN = Statement(
    "pending_mails_of_campaign",
    select(pending_mails.c.number)
    .where(
        site_is(pending_mails),
        pending_mails.c.sequence == bindparam("number"),
        pending_mails.c.address_key > literal_column("''"),
    )
    .limit(bindparam("count")),
)
"""The numbers of some of the pending mails of a campaign."""


def _pending_of(name: str, column: str, parameter: str) -> Statement:
    """The mails with a value in a column, those due last first, between two times (exclusive)."""
    return Statement(
        name,
        select(*_MAIL)
        .where(
            site_is(pending_mails),
            pending_mails.c[column] == bindparam(parameter),
            pending_mails.c.due_at > bindparam("after"),
            pending_mails.c.due_at < bindparam("before"),
            _EXISTS,
        )
        .order_by(pending_mails.c.due_at.desc(), pending_mails.c.number.desc())
        .limit(bindparam("count")),
    )


PENDING_OF_ADDRESS = _pending_of("pending_of_address", "address_key", "email")
PENDING_OF_CUSTOMER = _pending_of("pending_of_customer", "customer", "customer")
