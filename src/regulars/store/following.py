"""The store as a source of changes: the reads that the audience uses to load an index and keep it up to date."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from regulars.domain.changes import (
    COLUMNS,
    CUSTOMER_NAMES,
    NULL,
    SITE_CURRENCY,
    TEXTS,
    AttributeRows,
    ChangeRow,
    CustomerRow,
    EventRow,
    Head,
    Look,
    Name,
    ValueRows,
    currency_number,
)
from regulars.domain.customer import shown_name
from regulars.domain.identity import parse_uuid
from regulars.domain.objects import RelatedObject
from regulars.domain.relations import KIND_CODES, KINDS
from regulars.store import change_statements as sql
from regulars.store import event_statements, statements
from regulars.store.engine import Connection, Engine, Row
from regulars.store.query import Query, read, read_all
from regulars.store.revenue_statements import CURRENCY
from regulars.store.schema import LISTED_EVENTS
from regulars.store.statement import Statement

CHUNK = 20_000
"""Customers read at a time while loading."""

_DOCUMENTS: Final = 4_000
"""Customers whose attributes are read at a time: at most 256 MB, if each has the largest."""

_VALUES: Final = 8_000
"""Customers of whom one attribute is read at a time: at most 512 MB, if each has the largest."""

_ON_LOOP: Final = 50
"""Customers whose rows are read on the event loop: while another thread is at work, each row costs a turn of it."""

EVENT_CHUNK = 100_000
"""Numbers of events that are looked through at a time for those of one name."""

_FEW = 1_000
"""Up to this many rows are converted to customers on the event loop: switching to a thread would cost more."""

_SHORT = 100_000
"""Up to this many characters of packed ties are unpacked on the event loop: a thread would cost more."""


class StoreSnapshot:
    """A consistent view of the store. `connection` reads the rows of a page from the same view."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def head(self, site: int) -> Head | None:
        """The newest change of the site, None if there is no such site."""
        return await read(self.connection, _head(site))

    async def look(
        self, site: int, names: Iterable[Name] = (), queries: Sequence[Query[Any]] = (), *, last: bool = False
    ) -> Look:
        """The head, the numbers behind the names, and the results of the queries, in one round trip.

        last: nothing else will be read in the snapshot.
        """
        named = _numbers(site, names)
        head, *found = await read_all(self.connection, [_head(site), *named, *queries], last=last)
        numbers: dict[Name, int] = {}
        for each in found[: len(named)]:
            numbers.update(each)
        return Look(head, numbers, found[len(named) :])

    async def read(self, queries: Sequence[Query[Any]], *, last: bool = False) -> list[Any]:
        """The results of the queries. last: nothing else will be read in the snapshot."""
        return await read_all(self.connection, queries, last=last)

    async def changes(self, site: int, after: int, limit: int) -> list[ChangeRow]:
        """The parts of up to `limit` changes after change number `after`, in order."""
        rows = await self.connection.all(sql.CHANGES_AFTER, {"site": site, "after": after, "until": after + limit})
        return [ChangeRow(number, token, previous, bool(last), body) for number, token, previous, last, body in rows]

    async def texts(self, site: int, numbers: Sequence[int]) -> list[tuple[int, tuple[str | None, ...]]]:
        """The current texts of those customers that still exist."""
        return [(row[0], _texts(row[1:])) for row in await self._of(sql.TEXTS_OF, site, numbers)]

    async def attributes(self, site: int, numbers: Sequence[int]) -> list[tuple[int, str | None]]:
        """The attributes of those customers that still exist."""
        return [(row[0], row[1]) for row in await self._of(sql.ATTRIBUTES_OF, site, numbers)]

    async def _of(self, statement: Statement, site: int, numbers: Sequence[int]) -> list[Row]:
        """The rows of customers."""
        read = self.connection.all if len(numbers) <= _ON_LOOP else self.connection.in_thread
        return await read(statement, {"site": site, "keys": msgspec.json.encode(numbers).decode()})

    async def all_attributes(self, site: int) -> AsyncGenerator[AttributeRows, None]:
        """The attributes of all customers that have some, in chunks read on a thread.

        The next chunk is read ahead while one is consumed: close the generator before any other read.
        """
        values = {"site": site, "after": 0, "count": _DOCUMENTS}
        reading: asyncio.Task[list[Row]] | None = self._ahead(sql.LOAD_ATTRIBUTES, values)
        try:
            while reading is not None:
                ((count, last, numbers, documents),) = await reading
                is_last = count < _DOCUMENTS
                reading = None if is_last else self._ahead(sql.LOAD_ATTRIBUTES, values | {"after": last})
                yield AttributeRows(numbers, documents)
        finally:
            await _dropped(reading)

    async def all_values(self, site: int, path: str) -> AsyncGenerator[ValueRows, None]:
        """The values of all customers at a path in their attributes (see JsonAt), in chunks read on a thread.

        The next chunk is read ahead while one is consumed: close the generator before any other read.
        """
        row = await self.connection.one(sql.LAST_CUSTOMER, {"site": site})
        last = 0 if row is None or row[0] is None else row[0]
        reading: asyncio.Task[list[Row]] | None = self._values(site, path, 0)
        try:
            for until in range(_VALUES, last + _VALUES, _VALUES):
                assert reading is not None
                ((numbers, values),) = await reading
                reading = self._values(site, path, until) if until < last else None
                if values:
                    yield ValueRows(numbers, values)
        finally:
            await _dropped(reading)

    def _values(self, site: int, path: str, after: int) -> "asyncio.Task[list[Row]]":
        return self._ahead(sql.LOAD_VALUES, {"site": site, "path": path, "after": after, "until": after + _VALUES})

    async def buckets(self, site: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """The control buckets of those customers that still exist."""
        found: list[tuple[int, int]] = []
        for start in range(0, len(numbers), CHUNK):
            keys = msgspec.json.encode(numbers[start : start + CHUNK]).decode()
            found += [
                (row[0], row[1]) for row in await self.connection.all(sql.BUCKETS_OF, {"site": site, "keys": keys})
            ]
        return found

    async def all_buckets(self, site: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        """The control buckets of all customers, in chunks read on a thread."""
        after = 0
        while rows := await self.connection.in_thread(sql.LOAD_BUCKETS, {"site": site, "after": after, "count": CHUNK}):
            yield [(row[0], row[1]) for row in rows]
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]

    async def last_event(self, site: int) -> int:
        """The largest number of an event of the site; 0 if there is none."""
        row = await self.connection.one(event_statements.LAST_EVENT, {"site": site})
        return 0 if row is None or row[0] is None else int(row[0])

    async def events(self, site: int, after: int, limit: int) -> list[EventRow]:
        """Up to `limit` events whose numbers are above `after`, in order."""
        values = {"site": site, "after": after, "count": limit}
        return [EventRow(*row) for row in await self.connection.all(event_statements.EVENTS_AFTER, values)]

    async def events_named(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[EventRow]]:
        """The events of a name with numbers up to `until`, in chunks read on a thread."""
        async for rows in self._stretches(event_statements.EVENTS_NAMED, site, name, until):
            yield [EventRow(*row) for row in rows]

    def times_named(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        """(customer, at) of the same events."""
        if name in LISTED_EVENTS:
            return self._times_listed(site, name, until)
        return self._stretches(event_statements.TIMES_NAMED, site, name, until)

    async def _times_listed(self, site: int, name: str, until: int) -> AsyncIterator[Sequence[tuple[int, int]]]:
        values = {"site": site, "event_name": name, "until": until, "after_at": NULL, "after": 0, "count": CHUNK}
        while rows := await self.connection.in_thread(event_statements.TIMES_LISTED, values):
            yield [(customer, at) for customer, at, _ in rows]
            if len(rows) < CHUNK:
                return
            values |= {"after_at": rows[-1][1], "after": rows[-1][2]}

    async def _stretches(self, statement: Statement, site: int, name: str, until: int) -> AsyncIterator[Sequence[Any]]:
        for after in range(0, until, EVENT_CHUNK):
            values = {"site": site, "event_name": name, "after": after, "until": min(after + EVENT_CHUNK, until)}
            yield await self.connection.in_thread(statement, values)

    async def object_numbers(self, site: int, names: Sequence[Name]) -> dict[Name, int]:
        """The numbers behind keys of objects, deleted ones included."""
        keys = msgspec.json.encode([(KIND_CODES[kind], key) for kind, key in names]).decode()
        rows = await self.connection.all(event_statements.NUMBERS_OF_KEYS, {"site": site, "keys": keys})
        return {(KINDS[kind - 1], key): number for kind, key, number in rows}

    async def tie_times(self, site: int, relation: int, target: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """(customer, at) of the ties to an object that these customers have, read on a thread."""
        found: list[tuple[int, int]] = []
        for start in range(0, len(numbers), CHUNK):
            keys = msgspec.json.encode(numbers[start : start + CHUNK]).decode()
            values = {"site": site, "relation": relation, "object": target, "keys": keys}
            rows = await self.connection.in_thread(event_statements.TIE_TIMES, values)
            found += [(customer, at) for customer, at in rows]
        return found

    async def customers(self, site: int) -> AsyncIterator[Sequence[CustomerRow]]:
        """Every customer by ascending number, in chunks read on a thread."""
        after = 0
        while rows := await self.connection.in_thread(
            sql.LOAD_CUSTOMERS, {"site": site, "after": after, "count": CHUNK}
        ):
            yield _customers(rows) if len(rows) <= _FEW else await asyncio.to_thread(_customers, rows)
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]

    async def ties(self, site: int) -> AsyncGenerator[tuple[int, int, Sequence[int]], None]:
        """All current ties as (relation, object, customers), one range of customers at a time, read on a thread.

        The next range is read ahead while one is unpacked and consumed: close the generator before any other read.
        """
        row = await self.connection.one(sql.LAST_CUSTOMER, {"site": site})
        last = 0 if row is None or row[0] is None else row[0]
        reading = self._stretch(site, 0) if last else None
        try:
            for after in range(0, last, CHUNK):
                assert reading is not None
                ((largest, packed),) = await reading
                pieces: list[tuple[int, int, Sequence[int]]] = []
                is_packed = largest is None or largest < sql.PACKED_OBJECT_END
                if not is_packed:
                    values = {"site": site, "after": after, "until": after + CHUNK}
                    for relation, item, customers in await self.connection.in_thread(sql.LOAD_TIES, values):
                        pieces.append((relation, item, msgspec.json.decode(customers, type=list[int])))
                reading = self._stretch(site, after + CHUNK) if after + CHUNK < last else None
                if is_packed and largest is not None:
                    is_short = len(packed) <= _SHORT
                    pieces = _unpacked(packed, after) if is_short else await asyncio.to_thread(_unpacked, packed, after)
                for piece in pieces:
                    yield piece
        finally:
            await _dropped(reading)

    def _stretch(self, site: int, after: int) -> "asyncio.Task[list[Row]]":
        return self._ahead(sql.LOAD_PACKED_TIES, {"site": site, "after": after, "until": after + CHUNK})

    def _ahead(self, statement: Statement, values: dict[str, Any]) -> "asyncio.Task[list[Row]]":
        return asyncio.create_task(self.connection.in_thread(statement, values))


async def _dropped(reading: "asyncio.Task[list[Row]] | None") -> None:
    if reading is not None:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


class StoreChanges:
    """The store as a ChangeSource."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_remote = engine.is_remote

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[StoreSnapshot]:
        """One consistent view."""
        async with self._engine.snapshot() as connection:
            yield StoreSnapshot(connection)


def _head(site: int) -> Query[Head | None]:
    return Query(statements.HEAD, {"site": site}, lambda rows: Head(*rows[0]) if rows else None)


def _numbers(site: int, names: Iterable[Name]) -> list[Query[dict[Name, int]]]:
    """Queries for the numbers behind the names; unknown names are left out."""
    objects: list[tuple[int, str]] = []
    found: list[Query[dict[Name, int]]] = []
    for name in names:
        kind, key = name
        if name == SITE_CURRENCY:
            found.append(Query(CURRENCY, {"site": site}, _currency))
        elif kind in CUSTOMER_NAMES:
            found.append(_customer_number(site, name))
        else:
            objects.append((KIND_CODES[kind], key))
    if objects:
        values = {"site": site, "keys": msgspec.json.encode(objects).decode()}
        found.append(Query(statements.OBJECTS_BY_KEY, values, _object_numbers))
    return found


def _currency(rows: list[Row]) -> dict[Name, int]:
    return {SITE_CURRENCY: currency_number(rows[0][0])} if rows else {}


def _object_numbers(rows: list[Row]) -> dict[Name, int]:
    found: dict[Name, int] = {}
    for item in (RelatedObject(*row) for row in rows):
        if item.key is not None and item.deleted_at is None:
            found[KINDS[item.kind - 1], item.key] = item.number
    return found


def _customer_number(site: int, name: Name) -> Query[dict[Name, int]]:
    identifier, key = name
    is_uuid = identifier == "uuid"
    statement = statements.NUMBER_BY_UUID if is_uuid else statements.NUMBER_BY_CUSTOMER_ID
    values = {"site": site, "key": parse_uuid(key) if is_uuid else key}
    return Query(statement, values, lambda rows: {name: rows[0][0]} if rows else {})


def _unpacked(packed: str, after: int) -> list[tuple[int, int, Sequence[int]]]:
    """Unpack ties into (relation, object, customers)."""
    import numpy as np  # takes 0.1 s, needed only to load an index

    ties = np.sort(np.fromstring(packed[1:-1], dtype=np.int64, sep=","))
    places, relations = (1 << sql.PACKED_CUSTOMER_BITS) - 1, (1 << sql.PACKED_RELATION_BITS) - 1
    kinds = ties >> sql.PACKED_CUSTOMER_BITS
    customers = array("I", ((ties & places) + after).astype(np.uint32).tobytes())
    bounds = [0, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1).tolist(), len(customers)]
    return [
        (kind & relations, kind >> sql.PACKED_RELATION_BITS, customers[start:stop])
        for kind, start, stop in zip(kinds[bounds[:-1]].tolist(), bounds, bounds[1:], strict=False)
    ]


def _customers(rows: list[Row]) -> list[CustomerRow]:
    width = 1 + len(COLUMNS)
    return [
        CustomerRow(row[0], row[1:width], _texts(row[width + 1 :]))
        if row[width] is None or row[width] == row[0]
        else CustomerRow(row[0], row[1:width], _NO_TEXTS, True)
        for row in rows
    ]


_NO_TEXTS: Final = (None,) * len(TEXTS)


def _texts(row: Row) -> tuple[str | None, ...]:
    """(name, email, customer_id, ...) as the texts of the index, with the display name."""
    name, email, customer_id, *rest = row
    return (shown_name(name, email, customer_id), email, *rest)
