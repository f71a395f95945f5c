"""Statements on requests for consent."""

from typing import Final

from sqlalchemy import BigInteger, and_, bindparam, cast, delete, insert, literal_column, select, update

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
