"""Statements on what addresses keep of their own: former owners, tombstones, and the mails that went there."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, cast, delete, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.domain.changes import NULL
from regulars.domain.working.addresses import Tombstone
from regulars.store.schema import former_addresses, logs, tombstones
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_SOME_ADDRESS = former_addresses.c.email_key > literal_column("''")
_SOME_TIME = logs.c.created_at > cast(literal_column(str(NULL)), BigInteger)
"""Always true: with a condition on the next column SQLite takes the right index and not the whole site."""

_ROW = [column for column in former_addresses.c if column.name != "site_id"]

_listed, (_address,) = keys_of(former_addresses.c.email_key)
FORMER_BY_ADDRESS = Statement(
    "former_by_address",
    select(*_ROW).select_from(
        KeyedJoin(_listed, former_addresses, and_(site_is(former_addresses), former_addresses.c.email_key == _address))
    ),
)
_listed, (_customer,) = keys_of(former_addresses.c.customer)
FORMER_BY_CUSTOMER = Statement(
    "former_by_customer",
    select(*_ROW).select_from(
        KeyedJoin(
            _listed,
            former_addresses,
            and_(site_is(former_addresses), former_addresses.c.customer == _customer, _SOME_ADDRESS),
        )
    ),
)
_listed, (_hash,) = keys_of(tombstones.c.hash)
TOMBSTONES = Statement(
    "tombstones_by_hash",
    select(*(column for column in tombstones.c if column.name != "site_id")).select_from(
        KeyedJoin(_listed, tombstones, and_(site_is(tombstones), tombstones.c.hash == _hash))
    ),
)
ANY_FORMER = Statement(
    "any_former_address",
    select(former_addresses.c.customer).where(site_is(former_addresses)).limit(literal_column("1")),
)
ANY_TOMBSTONE = Statement(
    "any_tombstone", select(tombstones.c.deleted_at).where(site_is(tombstones)).limit(literal_column("1"))
)
"""One row if the site has any. Without any, new identifiers need neither hashing nor another look."""

_listed, (_address, _key) = keys_of(logs.c.address_key, logs.c.key)
LOGS_TO_ADDRESS = Statement(
    "logs_to_address",
    select(*(column for column in logs.c if column.name != "site_id")).select_from(
        KeyedJoin(
            _listed,
            logs,
            and_(
                site_is(logs),
                logs.c.address_key == _address,
                _SOME_TIME,
                # An expression, so that the index of the address is taken: one id may be of a mail to a million people.
                func.coalesce(logs.c.key, literal_column("''")) == _key,
            ),
        )
    ),
)
"""The mails of an id to an address, for a list of (address, id)."""


def _end_of_key(name: str, *, newest: bool) -> Statement:
    """One mail of each id of a list: the oldest or the newest, which are the same where there is only one."""
    listed, (key,) = keys_of(logs.c.key)
    same = logs.alias("same")
    order = (same.c.created_at, same.c.number)
    end = (
        select(same.c.number)
        .where(same.c.site_id == bindparam("site"), same.c.key == key)
        .order_by(*(column.desc() if newest else column for column in order))
        .limit(literal_column("1"))
        .correlate(listed)
        .scalar_subquery()
    )
    columns = [column for column in logs.c if column.name != "site_id"]
    return Statement(
        name, select(*columns).select_from(KeyedJoin(listed, logs, and_(site_is(logs), logs.c.number == end)))
    )


OLDEST_OF_KEY = _end_of_key("oldest_log_of_key", newest=False)
NEWEST_OF_KEY = _end_of_key("newest_log_of_key", newest=True)

_former = upsert(former_addresses)
_stored, _new = former_addresses.c, _former.excluded
_is_harder = and_(
    _new.hard_at.is_not(None),
    or_(
        _stored.hard_at.is_(None),
        _stored.hard_at < _new.hard_at,
        and_(_stored.hard_at == _new.hard_at, _stored.hard_bouncing < _new.hard_bouncing),
    ),
)


def _later(name: str) -> ColumnElement[Any]:
    """The later of two moments, where null is none."""
    return case((_stored[name] > _new[name], _stored[name]), else_=func.coalesce(_new[name], _stored[name]))


SAVE_FORMER = Statement(
    "save_former_addresses",
    _former.on_conflict_do_update(
        index_elements=["site_id", "email_key", "customer"],
        set_={
            **{name: case((_is_harder, _new[name]), else_=_stored[name]) for name in ("hard_bouncing", "hard_at")},
            **{name: _later(name) for name in ("bounced_at", "complained_at")},
        },
    ),
)
"""Adds to what is stored of an address and never takes away, as `FormerAddress.merge` does: it need not be loaded."""

DELETE_FORMER = Statement(
    "delete_former_addresses",
    delete(former_addresses).where(
        site_is(former_addresses), former_addresses.c.customer == bindparam("number"), _SOME_ADDRESS
    ),
)
_tombstone = upsert(tombstones)
SAVE_TOMBSTONES = Statement(
    "save_tombstones",
    _tombstone.on_conflict_do_update(
        index_elements=["site_id", "hash"],
        set_={name: _tombstone.excluded[name] for name in Tombstone.__struct_fields__},
    ),
)
