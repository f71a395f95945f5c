"""Backfill that normalises keys: addresses by IDNA 2008, customer_ids and object keys to NFC.

It never merges customers. If the new key already belongs to another customer, the row is left unchanged, and
`regulars check` reports it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Table, bindparam, select, update

from regulars.domain.identity import address_key, parse_address
from regulars.domain.relations import KIND_CODES
from regulars.domain.text import composed
from regulars.store import statements as sql
from regulars.store.control import site_numbers
from regulars.store.engine import Row, WriteConnection
from regulars.store.schema import customers, logs, objects
from regulars.store.slices import Slice
from regulars.store.statement import Statement, site_is

_ROWS: Final = 2_000
_ANY_LENGTH: Final = 1_000_000


def _page(name: str, table: Table, *columns: str) -> Statement:
    return Statement(
        f"keys_of_{name}",
        select(table.c.number, *(table.c[column] for column in columns))
        .where(site_is(table), table.c.number > bindparam("after"))
        .order_by(table.c.number)
        .limit(bindparam("count")),
    )


def _set(name: str, table: Table, *columns: str) -> Statement:
    return Statement(
        f"set_{name}",
        update(table)
        .where(site_is(table), table.c.number == bindparam("row"))
        .values({column: bindparam(f"new_{column}") for column in columns}),
    )


def _owner(name: str, column: str) -> Statement:
    """Who has a key already; as it was when the backfill ran first, whatever columns there are now."""
    return Statement(
        name, select(customers.c.number).where(site_is(customers), customers.c[column] == bindparam("key"))
    )


_OWNER_OF_KEY: Final = _owner("owner_of_key", "email_key")
_OWNER_OF_ID: Final = _owner("owner_of_customer_id", "customer_id")
_CUSTOMERS: Final = _page("customers", customers, "email", "email_key", "customer_id")
_LOGS: Final = _page("logs", logs, "address_key", "recipient_address")
_SET_ADDRESS: Final = _set("address", customers, "email", "email_key")
_SET_CUSTOMER_ID: Final = _set("customer_id", customers, "customer_id")
_SET_LOG: Final = _set("log_address", logs, "address_key", "recipient_address")
_OBJECTS: Final = Statement(
    "keys_of_objects",
    select(objects.c.number, objects.c.kind, objects.c.key)
    .where(site_is(objects), objects.c.kind == bindparam("kind"), objects.c.number > bindparam("after"))
    .order_by(objects.c.number)
    .limit(bindparam("count")),
)
_SET_OBJECT: Final = Statement(
    "set_object_key",
    update(objects)
    .where(site_is(objects), objects.c.kind == bindparam("kind"), objects.c.number == bindparam("row"))
    .values(key=bindparam("new_key")),
)


async def slice_of_keys(connection: WriteConnection, position: str | None) -> Slice:
    """Normalise the keys of about 2,000 rows, starting at the position."""
    numbers = await site_numbers(connection)
    places = [(part, site) for part in range(len(_PARTS)) for site in numbers]
    part, site, after = msgspec.json.decode(position, type=tuple[int, int, int]) if position else (0, 0, 0)
    rows = 0
    for place in places:
        if place < (part, site):
            continue
        start = after if place == (part, site) else 0
        await connection.one(sql.LOCK_HEAD, {"site": place[1]})  # so that no write takes a key between check and update
        found = await _PARTS[place[0]](connection, place[1], start)
        rows += len(found)
        if len(found) == _ROWS:
            return Slice(rows, _position(*place, found[-1][0]))
        if rows >= _ROWS:
            return Slice(rows, _position(*place, found[-1][0] if found else start))
    return Slice(rows, None)


def _position(part: int, site: int, after: int) -> str:
    return msgspec.json.encode((part, site, after)).decode()


async def _customers(connection: WriteConnection, site: int, after: int) -> list[Row]:
    rows = await connection.all(_CUSTOMERS, {"site": site, "after": after, "count": _ROWS})
    for number, email, key, customer_id in rows:
        here: dict[str, Any] = {"site": site, "row": number}
        if email is not None:
            shown, new_key = _address(email)
            is_free = new_key == key or await connection.one(_OWNER_OF_KEY, {"site": site, "key": new_key}) is None
            if (shown, new_key) != (email, key) and is_free:
                await connection.all(_SET_ADDRESS, {**here, "new_email": shown, "new_email_key": new_key})
        if customer_id is None or (new := composed(customer_id)) == customer_id:
            continue
        if await connection.one(_OWNER_OF_ID, {"site": site, "key": new}) is None:
            await connection.all(_SET_CUSTOMER_ID, {**here, "new_customer_id": new})
    return rows


async def _logs(connection: WriteConnection, site: int, after: int) -> list[Row]:
    rows = await connection.all(_LOGS, {"site": site, "after": after, "count": _ROWS})
    for number, key, address in rows:
        if address is not None and (new := _address(address)) != (address, key):
            values = {"new_recipient_address": new[0], "new_address_key": new[1]}
            await connection.all(_SET_LOG, {"site": site, "row": number, **values})
    return rows


def _objects(kind: int) -> "Part":
    async def bring(connection: WriteConnection, site: int, after: int) -> list[Row]:
        rows = await connection.all(_OBJECTS, {"site": site, "kind": kind, "after": after, "count": _ROWS})
        for number, _, key in rows:
            if key is None or (new := composed(key)) == key:
                continue
            keys = msgspec.json.encode([(kind, new)]).decode()
            if not await connection.all(sql.OBJECTS_BY_KEY, {"site": site, "keys": keys}):
                await connection.all(_SET_OBJECT, {"site": site, "kind": kind, "row": number, "new_key": new})
        return rows

    return bring


def _address(email: str) -> tuple[str, str]:
    """An address as displayed and its key, both normalised; an address that is invalid today keeps its spelling."""
    try:
        return parse_address(email, longest=_ANY_LENGTH)
    except ValueError:
        return email, address_key(email)


Part = Callable[[WriteConnection, int, int], Awaitable[list[Row]]]
_PARTS: Final[tuple[Part, ...]] = (_customers, _logs, *(_objects(kind) for kind in KIND_CODES.values()))
