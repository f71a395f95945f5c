"""Statements on requests for consent."""

from typing import Final

from sqlalchemy import BigInteger, and_, bindparam, cast, delete, func, insert, literal_column, select, update

from regulars.domain.changes import NULL
from regulars.domain.working.consent_requests import ConsentRequest
from regulars.store.consent_request_schema import consent_requests
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_COLUMNS: Final = [consent_requests.c[name] for name in ConsentRequest.__struct_fields__]

INSERT: Final = Statement("insert_consent_requests", insert(consent_requests))
UPDATE: Final = Statement(
    "update_consent_requests",
    update(consent_requests)
    .where(site_is(consent_requests), consent_requests.c.number == bindparam("request"))
    .values(open_until=bindparam("until"), confirmed_at=bindparam("confirmed")),
)
DELETE: Final = Statement(
    "delete_consent_requests",
    delete(consent_requests).where(
        site_is(consent_requests),
        consent_requests.c.customer == bindparam("number"),
        consent_requests.c.at > cast(literal_column(str(NULL)), BigInteger),  # always true: see DELETE_HISTORY
    ),
)
DELETE_ONE: Final = Statement(
    "delete_consent_request",
    delete(consent_requests).where(site_is(consent_requests), consent_requests.c.number == bindparam("request")),
)
_listed, (_number,) = keys_of(consent_requests.c.number)
BY_NUMBER: Final = Statement(
    "consent_requests_by_number",
    select(*_COLUMNS).select_from(
        KeyedJoin(_listed, consent_requests, and_(site_is(consent_requests), consent_requests.c.number == _number))
    ),
)
EXPIRED: Final = Statement(
    "expired_consent_requests",
    select(consent_requests.c.number, consent_requests.c.customer)
    .where(site_is(consent_requests), consent_requests.c.open_until <= bindparam("now"))
    .order_by(consent_requests.c.open_until)
    .limit(bindparam("count")),
)

_unconfirmed: Final = (site_is(consent_requests), consent_requests.c.confirmed_at.is_(None))
UNCONFIRMED_CUSTOMERS: Final = Statement(
    "customers_with_unconfirmed_requests",
    select(consent_requests.c.customer)
    .where(*_unconfirmed, consent_requests.c.customer > bindparam("after"))
    .group_by(consent_requests.c.customer)
    .having(
        func.max(consent_requests.c.at) < bindparam("before"),
        func.count(consent_requests.c.open_until) == literal_column("0"),
    )
    .order_by(consent_requests.c.customer)
    .limit(bindparam("count")),
)
"""Customers all of whose unconfirmed requests were made before this time, and are closed."""

_listed, (_customer,) = keys_of(consent_requests.c.customer)
UNCONFIRMED: Final = Statement(
    "unconfirmed_requests",
    select(consent_requests.c.customer, consent_requests.c.number).select_from(
        KeyedJoin(_listed, consent_requests, and_(*_unconfirmed, consent_requests.c.customer == _customer)).by(
            "consent_requests_unconfirmed"
        )
    ),
)
