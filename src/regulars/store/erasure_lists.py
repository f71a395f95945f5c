"""Lists of erasures: what a restored backup must know of the persons who were erased after it was made.

A list has no names: only the keyed hashes of the tombstones, and the record of each erasure. It can be applied to a
database with the same secret, which every backup of a database has.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from regulars.domain.commands import EraseCustomer
from regulars.domain.identity import Who
from regulars.domain.origin import Actor, Channel, Origin
from regulars.domain.working.addresses import Identifier, Tombstone
from regulars.store import address_statements, control
from regulars.store import erasure_statements as sql
from regulars.store.comparing import site_rows
from regulars.store.engine import Connection
from regulars.store.erasing import find_erasure
from regulars.store.schema import customers, erasures, former_addresses, logs, pending_mails, tombstones
from regulars.store.store import Store
from regulars.store.tombstone_hashes import hash_of

REASON: Final = "applied again after a restore"
_NAMING: Final = (
    (customers, (("email", "email_key"), ("customer_id", "customer_id"))),
    (former_addresses, (("email", "email_key"),)),
    (logs, (("email", "address_key"),)),
    (pending_mails, (("email", "address_key"),)),
)
"""The columns that have identifiers, by table."""


class ListError(Exception):
    """A list cannot be read, or is of another database; the message says which."""


class ErasedTombstone(Struct, frozen=True):
    """A tombstone of an erased person. hash: hexadecimal."""

    site: int
    hash: str
    stone: Tombstone


class ErasureList(Struct, frozen=True, kw_only=True):
    """The erasures of a database. secret: a fingerprint of the secret. records: rows of the table of erasures."""

    regulars_erasures: int = 1
    secret: str
    tombstones: list[ErasedTombstone]
    records: list[tuple[Any, ...]]


def read_list(raw: bytes) -> ErasureList:
    """A list from the bytes of its file. Raises ListError."""
    try:
        found = msgspec.json.decode(raw, type=ErasureList)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ListError(f"it is no list of erasures: {error}") from None
    if found.regulars_erasures != 1:
        raise ListError("it was written by a newer version")
    return found


async def list_erasures(connection: Connection) -> ErasureList:
    """All erasures of a database that were not lifted."""
    secret = await control.secret(connection)
    stones, records = [], []
    for site in await control.site_numbers(connection):
        async for rows in site_rows(connection, tombstones, site):
            for _, hashed, *fields in rows:
                stone = Tombstone(*fields)
                if stone.erased_at is not None:
                    stones.append(ErasedTombstone(site, bytes(hashed).hex(), stone))
        async for rows in site_rows(connection, erasures, site):
            records += [tuple(bytes(each).hex() if isinstance(each, bytes) else each for each in row) for row in rows]
    return ErasureList(secret=_fingerprint(secret), tombstones=stones, records=records)


async def apply_list(store: Store, wanted: ErasureList) -> dict[str, int]:
    """Erase whom the list has and the database knows, and keep the tombstones of the others. A repeat changes nothing.

    Returns how many erasures there were. Raises ListError if the list is of another database.
    """
    async with store.snapshot() as connection:
        secret = await control.secret(connection)
        sites = set(await control.site_numbers(connection))
    if wanted.secret != _fingerprint(secret):
        raise ListError("it is of another database, so nothing in it can be compared")
    erased = added = 0
    for site in sorted(sites.intersection(each.site for each in wanted.tombstones)):
        async with store.snapshot() as connection:
            missing = await _missing(connection, site, (each for each in wanted.tombstones if each.site == site))
            found = [each async for each in _known(connection, site, secret, missing)]
        for kind, text in found:
            who = Who(email=text, email_key=text) if kind == "email" else Who(customer_id=text)
            outcome = await store.ledger.submit(site, EraseCustomer(who, REASON), _ORIGIN)
            erased += outcome.person is not None
        async with store.engine.transaction() as connection:
            rows = [(site, hashed, *astuple(stone)) for hashed, stone in missing.items()]
            await connection.many(address_statements.SAVE_TOMBSTONES, rows)
        added += len(missing)
    await _add_records(store, sites, wanted.records)
    return {"customers": erased, "identifiers": added}


_ORIGIN: Final = Origin(Actor(Channel.COMMAND_LINE), "restore")


async def _missing(connection: Connection, site: int, wanted: Iterable[ErasedTombstone]) -> dict[bytes, Tombstone]:
    """The tombstones that the database lacks, by hash. It has those that were set, or lifted, later."""
    stored: dict[bytes, int] = {}
    async for rows in site_rows(connection, tombstones, site):
        stored.update((bytes(hashed), deleted_at) for _, hashed, deleted_at, *_ in rows)
    return {
        hashed: each.stone
        for each in wanted
        if stored.get(hashed := bytes.fromhex(each.hash), -1) < (each.stone.erased_at or 0)
    }


async def _known(
    connection: Connection, site: int, secret: bytes, hashes: dict[bytes, Tombstone]
) -> AsyncIterator[Identifier]:
    """The identifiers in the database that have one of the hashes."""
    told = set[Identifier]()
    for table, columns in _NAMING if hashes else ():
        places = [(kind, list(table.c.keys()).index(column)) for kind, column in columns]
        async for rows in site_rows(connection, table, site):
            for identifier in _identifiers(rows, places):
                if identifier not in told:
                    told.add(identifier)
                    if hash_of(secret, identifier) in hashes:
                        yield identifier


def _identifiers(rows: Iterable[tuple[Any, ...]], places: list[tuple[str, int]]) -> Iterator[Identifier]:
    for row in rows:
        for kind, place in places:
            if row[place] is not None:
                yield kind, row[place]


async def _add_records(store: Store, sites: set[int], records: Iterable[tuple[Any, ...]]) -> None:
    """Add the records of erasures that the database lacks."""
    binary = list(erasures.c.keys()).index("hashes")
    async with store.engine.transaction() as connection:
        rows = []
        for record in records:
            site, at, position, *_ = record
            if site in sites and await find_erasure(connection, site, at, position) is None:
                row = list(record)
                row[binary] = None if row[binary] is None else bytes.fromhex(row[binary])
                rows.append(tuple(row))
        await connection.many(sql.INSERT_ERASURE, rows)


def _fingerprint(secret: bytes) -> str:
    """What shows that two databases have the same secret, and nothing else of it."""
    return hashlib.sha256(b"regulars erasures " + secret).hexdigest()[:32]
