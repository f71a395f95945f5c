"""Reads of customers, logs and objects within a snapshot. Every read names the site."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from regulars.domain.customer import Customer, Picture
from regulars.domain.identity import Who
from regulars.domain.mail import Log
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.domain.relations import BY_CODE, BY_NAME, KIND_CODES, KINDS
from regulars.store import statements as sql
from regulars.store.engine import SLICE, Connection, Row
from regulars.store.merges import group_of
from regulars.store.offer_statements import OFFER_PRODUCTS
from regulars.store.pictures import is_cut, picture_ties, whole_picture
from regulars.store.query import Query, read
from regulars.store.statement import Statement

_Numbered = TypeVar("_Numbered", Customer, "CustomerLine")

FOREVER = 2**62
"""Later than any moment (ms)."""

LARGEST_INLINE: Final = 100
"""Rows of up to this many customers are read on the event loop."""


class CustomerCard(Struct, frozen=True):
    """The fields of a customer that the classic API shows: a subset of `Customer`, with the same names."""

    number: int
    uuid: bytes
    created_at: int
    updated_at: int
    bucket: int
    email: str | None
    email_key: str | None
    customer_id: str | None
    joined_at: int | None
    name: str | None
    firstname: str | None
    lastname: str | None
    phone_number: str | None
    gender: str | None
    locale: str | None
    attributes: str | None
    lifetime_revenue: int
    lifetime_orders: int
    lifetime_visits: int
    unsubscribed_at: int | None
    engagement_percentile: int | None
    purchase_percentile: int | None
    retention_percentile: int | None
    merged_into: int | None


_PERSON_BY: Final = (
    ("email_key", sql.PERSON_BY_EMAIL),
    ("customer_id", sql.PERSON_BY_CUSTOMER_ID),
    ("uuid", sql.PERSON_BY_UUID),
    ("number", sql.PERSON_BY_NUMBER),
)


async def find_person(connection: Connection, site: int, who: Who) -> Picture[CustomerCard] | None:
    """The customer with these identifiers, None if there is none or they belong to different customers."""
    found = await _find(connection, site, who)
    if found is not None and is_cut(found):
        found.ties = await whole_picture(connection, site, found.customer.number)
    return found


async def find_card(connection: Connection, site: int, who: Who) -> CustomerCard | None:
    """`find_person` for callers that do not need the ties."""
    found = await _find(connection, site, who)
    return None if found is None else found.customer


async def numbers_of(connection: Connection, site: int, card: CustomerCard) -> list[int]:
    """The numbers under which rows of a customer are kept: its own, and those of the customers merged into it."""
    return [card.number] if card.merged_into is None else await group_of(connection, site, card.number)


async def _find(connection: Connection, site: int, who: Who) -> Picture[CustomerCard] | None:
    """The customer with these identifiers. The picture may be cut."""
    found: Picture[CustomerCard] | None = None
    for name, statement in _PERSON_BY:
        key = getattr(who, name)
        if key is None:
            continue
        row = await connection.one(statement, {"site": site, "key": key})
        if row is not None and row[-2] is not None and row[-2] != row[0]:  # it was merged into another one
            row = await connection.one(sql.PERSON_BY_NUMBER, {"site": site, "key": row[-2]})
        if row is None or (found is not None and found.customer.number != row[0]):
            return None
        found = found or Picture(CustomerCard(*row[:-1]), picture_ties(row[-1]))
    return found


async def number_after_merges(connection: Connection, site: int, number: int) -> int | None:
    """The customer that a number stands for: of one that was merged into another, that one; None if there is none."""
    row = await connection.one(sql.WHOLE_NUMBER, {"site": site, "key": number})
    return None if row is None else int(row[0])


def customers_by_number(site: int, numbers: Sequence[int]) -> Query[list[Customer]]:
    """Full customers in the order of `numbers`; unknown ones are left out."""
    return _by_number(sql.CUSTOMERS_BY_NUMBER, Customer, site, numbers)


class CustomerLine(Struct, frozen=True):
    """The fields of a customer that a list shows: a subset of `Customer`, with the same names."""

    number: int
    created_at: int
    changed_at: int | None
    email: str | None
    customer_id: str | None
    last_request_at: int | None
    name: str | None
    net_revenue: int
    bounced_at: int | None


def lines_by_number(site: int, numbers: Sequence[int]) -> Query[list[CustomerLine]]:
    """The customers of a page in the order of `numbers`; unknown ones are left out."""
    return _by_number(sql.LINES_BY_NUMBER, CustomerLine, site, numbers)


def _by_number(
    statement: Statement, kind: Callable[..., _Numbered], site: int, numbers: Sequence[int]
) -> Query[list[_Numbered]]:
    def shape(rows: list[Row]) -> list[_Numbered]:
        found = {row[0]: kind(*row) for row in rows}
        return [found[number] for number in numbers if number in found]

    return Query(statement, {"site": site, "keys": _json(numbers)}, shape, long=len(numbers) > LARGEST_INLINE)


Ties = dict[tuple[int, str], list[int]]
"""{(customer, relation): numbers of objects in ascending order}, for ties that hold."""


def held_ties(site: int, numbers: Sequence[int], relations: Sequence[str]) -> Query[Ties]:
    """The current ties of these customers and relations."""
    codes = [BY_NAME[name].code for name in relations]

    def shape(rows: list[Row]) -> Ties:
        found: Ties = {}
        for customer, code, item in sorted(rows):
            if code in codes:
                found.setdefault((customer, BY_CODE[code].name), []).append(item)
        return found

    values = {"site": site, "keys": _json(numbers), "first": min(codes), "last": max(codes)}
    return Query(sql.HELD_TIES, values, shape, long=len(numbers) > LARGEST_INLINE)


async def objects_by_number(
    connection: Connection, site: int, kind: str, numbers: Sequence[int]
) -> list[RelatedObject]:
    """The existing objects among these of one kind, by number; read a slice at a time."""
    found: list[RelatedObject] = []
    code, ordered = KIND_CODES[kind], sorted(numbers)
    for start in range(0, len(ordered), SLICE):
        if len(ordered) > SLICE:
            await asyncio.sleep(0)
        keys = _json([(code, number) for number in ordered[start : start + SLICE]])
        rows = await connection.all(sql.OBJECTS_BY_NUMBER, {"site": site, "keys": keys})
        found += [item for item in (RelatedObject(*row) for row in rows) if item.deleted_at is None]
    return found


def existing_objects(site: int, named: Sequence[tuple[str, Reference]]) -> list[Query[set[tuple[str, Reference]]]]:
    """Queries for those of the (kind, number or key) that exist."""

    def shape(rows: list[Row]) -> set[tuple[str, Reference]]:
        found: set[tuple[str, Reference]] = set()
        for item in _existing(rows):
            kind = KINDS[item.kind - 1]
            found.add((kind, item.number))
            if item.key is not None:
                found.add((kind, item.key))
        return found

    return [Query(statement, values, shape) for statement, values in _lookups(site, named)]


def existing_rows(site: int, named: Sequence[tuple[str, Reference]]) -> list[Query[list[RelatedObject]]]:
    """Queries for the objects among these (kind, number or key) that exist."""
    return [Query(statement, values, _existing) for statement, values in _lookups(site, named)]


def _existing(rows: list[Row]) -> list[RelatedObject]:
    return [item for item in (RelatedObject(*row) for row in rows) if item.deleted_at is None]


def _lookups(site: int, named: Sequence[tuple[str, Reference]]) -> list[tuple[Statement, dict[str, Any]]]:
    numbers = [(KIND_CODES[kind], each) for kind, each in named if isinstance(each, int)]
    keys = [(KIND_CODES[kind], each) for kind, each in named if isinstance(each, str)]
    return [
        (statement, {"site": site, "keys": _json(wanted)})
        for statement, wanted in ((sql.OBJECTS_BY_NUMBER, numbers), (sql.OBJECTS_BY_KEY, keys))
        if wanted
    ]


async def products_of(connection: Connection, site: int, offers: Sequence[int]) -> dict[int, list[int]]:
    """{offer: numbers of its products in ascending order} for these offers."""
    if not offers:
        return {}

    def shape(rows: list[Row]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for offer, product in sorted(rows):
            found.setdefault(offer, []).append(product)
        return found

    return await read(connection, Query(OFFER_PRODUCTS, {"site": site, "keys": _json(offers)}, shape))


async def logs_of(
    connection: Connection,
    site: int,
    *,
    email_key: str,
    customers: Sequence[int] = (),
    after: int = -FOREVER,
    before: int = FOREVER,
    count: int = 100,
) -> list[Log]:
    """Mails to an address, or kept under these numbers of its customer, newest first.

    after, before: exclusive bounds (ms).
    """
    values = {"site": site, "email": email_key, "after": after, "before": before, "count": count}
    found = {row[0]: row for row in await connection.all(sql.LOGS_OF_ADDRESS, values)}
    for customer in customers:
        values["customer"] = customer
        found.update((row[0], row) for row in await connection.all(sql.LOGS_OF_CUSTOMER, values))
    logs = sorted((Log(*row) for row in found.values()), key=lambda log: (-log.created_at, -log.number))
    return logs[:count]


async def find_object(connection: Connection, site: int, kind: str, reference: Reference) -> RelatedObject | None:
    """The object with this reference, None if it does not exist."""
    statement = sql.OBJECTS_BY_NUMBER if isinstance(reference, int) else sql.OBJECTS_BY_KEY
    row = await connection.one(statement, {"site": site, "keys": _json([(KIND_CODES[kind], reference)])})
    found = None if row is None else RelatedObject(*row)
    return None if found is None or found.deleted_at is not None else found


def _json(keys: Sequence[object]) -> str:
    return msgspec.json.encode(keys).decode()
