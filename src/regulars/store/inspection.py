"""Checks of a site beyond its change log: the next numbers to assign, and inconsistent rows."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Table, and_, bindparam, func, literal_column, or_, select
from sqlalchemy.sql.elements import ColumnElement

from regulars.domain.audiences import KIND as AUDIENCE
from regulars.domain.drip_campaigns import KIND as CAMPAIGN
from regulars.domain.identity import address_key
from regulars.domain.relations import BY_CODE, KIND_CODES
from regulars.domain.text import composed
from regulars.store import statements
from regulars.store.engine import Connection
from regulars.store.schema import (
    activities,
    audiences,
    consents,
    customers,
    drip_campaigns,
    logs,
    newsletter_consents,
    objects,
    pending_mails,
    relations,
    site_heads,
    visitors,
)
from regulars.store.statement import Statement, site_is

_NUMBERED = {
    "customer": ("customer", customers),
    "activity": ("activity", activities),
    "log": ("log", logs),
    "consent": ("consent", consents),
    "newsletter consent": ("consent", newsletter_consents),
}
"""By kind of row, its counter and its table."""
_NEXT_LOG = select(site_heads.c.next_log).where(site_is(site_heads)).scalar_subquery()


def _largest(table: Table) -> ColumnElement[int]:
    return select(func.max(table.c.number)).where(site_is(table)).scalar_subquery()


_NUMBERS = Statement(
    "numbers",
    select(
        *(
            site_heads.c[f"next_{counter}"].label(f"next_{place}")
            for place, (counter, _) in enumerate(_NUMBERED.values())
        ),
        *(_largest(table) for _, table in _NUMBERED.values()),
    ).where(site_is(site_heads)),
)
_IDENTITIES = Statement(
    "identities",
    select(
        customers.c.number,
        customers.c.email,
        customers.c.email_key,
        customers.c.customer_id,
        customers.c.attributes,
    )
    .where(site_is(customers), customers.c.number > bindparam("after"))
    .order_by(customers.c.number)
    .limit(bindparam("count")),
)
_LAST_TIED = Statement("last_tied", select(func.max(relations.c.customer)).where(site_is(relations)))


def _without_object(
    name: str, table: Table, kind: str, number: ColumnElement[int], *columns: ColumnElement[Any]
) -> Statement:
    """The first rows of a table about objects of one kind that have no object."""
    item = and_(
        site_is(objects),
        objects.c.kind == literal_column(str(KIND_CODES[kind])),
        objects.c.number == number,
        or_(objects.c.deleted_at.is_(None), objects.c.fence != literal_column("0")),  # else its rows will be removed
    )
    return Statement(
        name,
        select(*columns)
        .select_from(table.outerjoin(objects, item))
        .where(site_is(table), objects.c.number.is_(None))
        .limit(bindparam("count")),
    )


_LOST_PLANS = _without_object(
    "lost_drip_plans", drip_campaigns, CAMPAIGN, drip_campaigns.c.sequence, drip_campaigns.c.sequence
)
_LOST_MAILS = _without_object(
    "lost_pending_mails",
    pending_mails,
    CAMPAIGN,
    pending_mails.c.sequence,
    pending_mails.c.number,
    pending_mails.c.sequence,
)
_LOST_AUDIENCES = _without_object("lost_audiences", audiences, AUDIENCE, audiences.c.audience, audiences.c.audience)
_LOST_VISITORS = Statement(
    "lost_visitors",
    select(visitors.c.customer)
    .select_from(visitors.outerjoin(customers, and_(site_is(customers), customers.c.number == visitors.c.customer)))
    .where(site_is(visitors), customers.c.number.is_(None))
    .limit(bindparam("count")),
)
_MAILS_AHEAD = Statement(
    "pending_mails_ahead",
    select(pending_mails.c.number)
    .where(site_is(pending_mails), pending_mails.c.number >= _NEXT_LOG)
    .limit(bindparam("count")),
)
_CHUNK: Final = 2_000


class Numbers(NamedTuple):
    """The next number for a kind of row, and the largest in use, 0 if there is none."""

    kind: str
    next: int
    largest: int


async def numbers_of(connection: Connection, site: int) -> list[Numbers]:
    """The numbers of each kind of row of a site; empty if there is no such site."""
    row = await connection.one(_NUMBERS, {"site": site})
    if row is None:
        return []
    count = len(_NUMBERED)
    rows = zip(_NUMBERED, row[:count], row[count:], strict=True)
    return [Numbers(kind, following, largest or 0) for kind, following, largest in rows]


async def contradictions(connection: Connection, site: int) -> AsyncIterator[str]:
    """Inconsistencies of single customers in columns that are not indexed, one sentence each; read in chunks."""
    after = 0
    while rows := await connection.in_thread(_IDENTITIES, {"site": site, "after": after, "count": _CHUNK}):
        for number, email, key, customer_id, attributes in rows:
            if (email is None) != (key is None) or (email is not None and address_key(email) != key):
                other = (
                    None
                    if email is None
                    else await connection.one(statements.NUMBER_BY_EMAIL, {"site": site, "key": address_key(email)})
                )
                if other is None:
                    yield f"customer {number}: email_key does not match the email"
                else:
                    yield f"customer {number}: customer {other[0]} has the same address; change or delete one of them"
            if customer_id is not None and composed(customer_id) != customer_id:
                yield (
                    f"customer {number}: another customer has the same customer_id after normalization; change or "
                    "delete one of them"
                )
            if attributes is not None and not _is_object(attributes):
                yield f"customer {number}: the attributes are not a JSON object"
        after = rows[-1][0]


async def drip_problems(connection: Connection, site: int, count: int) -> list[str]:
    """The first inconsistencies of plans and pending mails of drip campaigns, one sentence each."""
    values = {"site": site, "count": count}
    plans, mails, ahead = [
        await connection.in_thread(statement, values) for statement in (_LOST_PLANS, _LOST_MAILS, _MAILS_AHEAD)
    ]
    return [
        *(f"drip campaign {campaign}: it has a plan, but does not exist" for (campaign,) in plans),
        *(f"pending mail {number}: there is no drip campaign {campaign}" for number, campaign in mails),
        *(f"pending mail {number}: a log will get the same number" for (number,) in ahead),
    ]


async def lost_visitors(connection: Connection, site: int, count: int) -> list[str]:
    """The first cookies and devices of customers who do not exist, one sentence each."""
    rows = await connection.in_thread(_LOST_VISITORS, {"site": site, "count": count})
    return [f"customer {number}: there is no such customer, but a cookie or device of it" for (number,) in rows]


async def audience_problems(connection: Connection, site: int, count: int) -> list[str]:
    """The first definitions of audiences that do not exist, one sentence each."""
    rows = await connection.in_thread(_LOST_AUDIENCES, {"site": site, "count": count})
    return [f"audience {number}: it has a definition, but does not exist" for (number,) in rows]


async def last_tied(connection: Connection, site: int) -> int:
    """The largest customer number in any tie, 0 without ties; in a damaged store no such customer may exist."""
    row = await connection.one(_LAST_TIED, {"site": site})
    return 0 if row is None or row[0] is None else int(row[0])


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeError):
        return False


async def without_object(connection: Connection, site: int, ties: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The (relation, object) pairs whose object has no row, not even one marked as deleted."""
    wanted = [(relation, item) for relation, item in ties if BY_CODE[relation].kind is not None]
    missing = []
    for start in range(0, len(wanted), _CHUNK):
        named = {tie: (_kind_of(tie[0]), tie[1]) for tie in wanted[start : start + _CHUNK]}
        keys = msgspec.json.encode(sorted(set(named.values()))).decode()
        rows = await connection.all(statements.OBJECTS_BY_NUMBER, {"site": site, "keys": keys})
        there = {row[:2] for row in rows}
        missing += [tie for tie, place in named.items() if place not in there]
    return missing


def _kind_of(relation: int) -> int:
    kind = BY_CODE[relation].kind
    assert kind is not None
    return KIND_CODES[kind]
