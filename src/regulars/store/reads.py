"""Reads of customers, logs and objects, each within a snapshot. Whose they are is always part of the question."""

from collections.abc import Sequence

import msgspec

from regulars.domain.customer import Customer, Person
from regulars.domain.identity import Who
from regulars.domain.mail import Log
from regulars.domain.objects import RelatedObject
from regulars.domain.references import Reference
from regulars.domain.relations import KIND_CODES, Tie
from regulars.store import statements as sql
from regulars.store.engine import Connection, Row

FOREVER = 2**62
"""Later than any moment (ms)."""


async def find_people(connection: Connection, site: int, who: Who) -> list[Person]:
    """The customers whom the identifiers name: none, one, or several where they disagree."""
    rows: dict[int, Row] = {}
    for statement, key in (
        (sql.CUSTOMERS_BY_EMAIL, who.email_key),
        (sql.CUSTOMERS_BY_CUSTOMER_ID, who.customer_id),
        (sql.CUSTOMERS_BY_UUID, None if who.uuid is None else who.uuid.hex()),
        (sql.CUSTOMERS_BY_NUMBER, who.number),
    ):
        if key is not None:
            for row in await connection.all(statement, {"site": site, "keys": _json([key])}):
                rows[row[0]] = row
    return await _people(connection, site, list(rows.values()))


async def people_by_number(connection: Connection, site: int, numbers: Sequence[int]) -> list[Person]:
    """The customers with these numbers, in this order; those that are gone are left out."""
    rows = await connection.all(sql.CUSTOMERS_BY_NUMBER, {"site": site, "keys": _json(numbers)})
    return await _people(connection, site, rows)


async def customers_by_number(connection: Connection, site: int, numbers: Sequence[int]) -> list[Customer]:
    """Like `people_by_number`, without their ties: one statement."""
    rows = await connection.all(sql.CUSTOMERS_BY_NUMBER, {"site": site, "keys": _json(numbers)})
    return [Customer(*row) for row in rows]


async def logs_of(
    connection: Connection,
    site: int,
    *,
    email_key: str,
    customer: int | None,
    after: int = -FOREVER,
    before: int = FOREVER,
    count: int = 100,
) -> list[Log]:
    """Mails to an address, or to the customer who has it now, newest first; `after` and `before` (ms) are excluded."""
    values = {"site": site, "email": email_key, "after": after, "before": before, "count": count}
    found = {row[0]: row for row in await connection.all(sql.LOGS_OF_ADDRESS, values)}
    if customer is not None:
        values["customer"] = customer
        found.update((row[0], row) for row in await connection.all(sql.LOGS_OF_CUSTOMER, values))
    logs = sorted((Log(*row) for row in found.values()), key=lambda log: (-log.created_at, -log.number))
    return logs[:count]


async def objects_of(connection: Connection, site: int, kind: str) -> list[RelatedObject]:
    """Every object of a kind, by number."""
    rows = await connection.all(sql.OBJECTS_OF_KIND, {"site": site, "kind": KIND_CODES[kind]})
    return [RelatedObject(*row) for row in rows]


async def find_object(connection: Connection, site: int, kind: str, reference: Reference) -> RelatedObject | None:
    """The object that a reference names, if it is there."""
    statement = sql.OBJECTS_BY_NUMBER if isinstance(reference, int) else sql.OBJECTS_BY_KEY
    row = await connection.one(statement, {"site": site, "keys": _json([(KIND_CODES[kind], reference)])})
    found = None if row is None else RelatedObject(*row)
    return None if found is None or found.deleted_at is not None else found


async def _people(connection: Connection, site: int, rows: list[Row]) -> list[Person]:
    if not rows:
        return []
    people = [Person(Customer(*row), {}) for row in rows]
    ties = {person.customer.number: person.ties for person in people}
    for customer, relation, item, holds, at, key in await connection.all(
        sql.PROFILE_TIES, {"site": site, "keys": _json(list(ties))}
    ):
        ties[customer][relation, item] = Tie(bool(holds), at, key)
    return people


def _json(keys: Sequence[object]) -> str:
    return msgspec.json.encode(keys).decode()
