"""Statements on the revenue of customers by currency, and on the currency of a site."""

from sqlalchemy import and_, bindparam, case, delete, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from regulars.store.schema import customers, revenues, sites
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

CURRENCY = Statement("currency_of_site", select(sites.c.currency).where(sites.c.id == bindparam("site")))
SET_CURRENCY = Statement(
    "set_currency_of_site",
    update(sites)
    .where(sites.c.id == bindparam("number"))
    .values(currency=bindparam("new_currency"), updated_at=bindparam("now")),
)

_listed, (_customer,) = keys_of(revenues.c.customer)
REVENUES_OF = Statement(
    "revenues_of",
    select(*(column for column in revenues.c if column.name != "site_id")).select_from(
        KeyedJoin(_listed, revenues, and_(site_is(revenues), revenues.c.customer == _customer))
    ),
)
_revenue = upsert(revenues)
SAVE_REVENUES = Statement(
    "save_revenues",
    _revenue.on_conflict_do_update(
        index_elements=["site_id", "customer", "currency"],
        set_={name: _revenue.excluded[name] for name in ("net", "lifetime", "is_counted")},
    ),
)
DELETE_REVENUES = Statement(
    "delete_revenues",
    delete(revenues).where(site_is(revenues), revenues.c.customer == bindparam("number")),
)
ANY_REVENUE = Statement("any_revenue", select(revenues.c.customer).where(site_is(revenues)).limit(literal_column("1")))
WRONGLY_COUNTED = Statement(
    "wrongly_counted",
    select(revenues.c.customer)
    .where(
        site_is(revenues),
        revenues.c.customer > bindparam("after"),
        revenues.c.is_counted
        != case((revenues.c.currency == bindparam("currency"), literal_column("1")), else_=literal_column("0")),
    )
    .order_by(revenues.c.customer)
    .limit(bindparam("count")),
)
"""The next customers whose figures do not count the currency of the site, or count another one."""
LOST_REVENUES = Statement(
    "lost_revenues",
    select(revenues.c.customer, revenues.c.currency)
    .select_from(revenues.outerjoin(customers, and_(site_is(customers), customers.c.number == revenues.c.customer)))
    .where(site_is(revenues), customers.c.number.is_(None))
    .limit(bindparam("count")),
)
