"""Reads a site for an export within a snapshot, a slice of customers, events or emails at a time.

Every read runs on a thread, so that the event loop is never blocked, and holds a slice of rows, whatever the size of
the site.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from regulars.domain.mail import Log
from regulars.domain.working import ActivityRow
from regulars.domain.working.addresses import FormerAddress
from regulars.store import export_statements as sql
from regulars.store import statements
from regulars.store.engine import Connection, Row
from regulars.store.merge_statements import ANY_MERGED
from regulars.store.merges import parts_of
from regulars.store.schema import objects
from regulars.store.statement import Statement

SLICE: Final = 1_000
"""Customers, events or emails that are read at a time."""

_DELETED_AT: Final = [column.name for column in objects.c if column.name != "site_id"].index("deleted_at")

_FEW: Final = 100
"""Customers of whom all events or emails are read at a time."""


class Identity(Struct, frozen=True):
    """The identifiers of a customer; the fields are the columns.

    part: the uuid of the customer whom something named, if that was merged into this one.
    """

    number: int
    uuid: bytes
    email: str | None
    customer_id: str | None
    part: bytes | None = None


CustomerPart = Literal["ties", "mail_ties", "consents", "subscriptions", "requests", "former", "aliases"]
"""What is kept about a customer beside its row. mail_ties: those with broadcasts, which are most of the ties.

subscriptions: the evidence about newsletters. requests: those for consent. former: the former addresses.
"""

ALL_PARTS: Final[frozenset[CustomerPart]] = frozenset(get_args(CustomerPart))


class PeopleRows(Struct):
    """The rows about a slice of customers. All but `customers` are in no order, and have the customer's number.

    The ties with broadcasts are among the ties.

    aliases: (customer, identifiers of one that was merged into it).
    """

    customers: list[Row]
    ties: list[Row] = []
    consents: list[Row] = []
    subscriptions: list[Row] = []
    requests: list[Row] = []
    former: list[Row] = []
    aliases: list[tuple[int, Identity]] = []


async def slices_of(
    connection: Connection, site: int, after: Statement, by_number: Statement, numbers: Sequence[int] | None
) -> AsyncIterator[list[Row]]:
    """The rows of customers by their number, in slices: of all of a site, or of some."""
    if numbers is None:
        reached = 0
        while rows := await connection.in_thread(after, {"site": site, "after": reached, "count": SLICE}):
            yield rows
            reached = rows[-1][0]
        return
    for listed in _cut(numbers, SLICE):
        yield sorted(await connection.in_thread(by_number, {"site": site, "keys": _json(listed)}))


async def people_rows(
    connection: Connection,
    site: int,
    numbers: Sequence[int] | None = None,
    parts: frozenset[CustomerPart] = ALL_PARTS,
) -> AsyncIterator[PeopleRows]:
    """The rows about customers, by ascending number. numbers: of these only. parts: what to read beside the rows."""
    reads = _reads(parts)
    slices = slices_of(connection, site, sql.CUSTOMERS_AFTER, statements.CUSTOMERS_BY_NUMBER, numbers)
    async for rows in slices:
        if not rows:
            continue
        found = PeopleRows(rows)
        about = await _about(connection, site, rows, list(reads.values()), is_range=numbers is None)
        for name, each in zip(reads, about, strict=True):
            setattr(found, name, each)
        merged = await parts_of(connection, site, [row[0] for row in rows]) if parts & _OF_MERGED else {}
        if merged:
            for name in _EVIDENCE & parts:
                more = await _of_parts(connection, site, reads[name], 0, merged)
                setattr(found, name, getattr(found, name) + more)
            if "former" in parts:
                found.former = merged_former(await _of_parts(connection, site, sql.FORMER, 1, merged) + found.former)
            if "aliases" in parts:
                values = {"site": site, "keys": _json(sorted(merged))}
                identified = await connection.in_thread(sql.IDENTITIES_BY_NUMBER, values)
                found.aliases = [(merged[row[0]], Identity(*row)) for row in sorted(identified)]
        yield found


_EVIDENCE: Final[frozenset[CustomerPart]] = frozenset({"consents", "subscriptions", "requests"})
_OF_MERGED: Final[frozenset[CustomerPart]] = _EVIDENCE | {"former", "aliases"}
"""What stays with a customer who was merged into another one, and is shown with that one."""


def _reads(parts: frozenset[CustomerPart]) -> dict[str, dict[bool, Statement]]:
    """The statements that read parts, by the name in `PeopleRows`."""
    reads = {
        "ties": sql.TIES if "mail_ties" in parts else sql.TIES_BUT_MAIL,
        "consents": sql.CONSENTS,
        "subscriptions": sql.SUBSCRIPTIONS,
        "requests": sql.REQUESTS,
        "former": sql.FORMER,
    }
    return {name: statement for name, statement in reads.items() if name in parts}


async def attribute_texts(
    connection: Connection, site: int, numbers: Sequence[int] | None = None
) -> AsyncIterator[list[str]]:
    """The attributes of customers who have some, as JSON objects, in slices. numbers: of these only."""
    async for rows in slices_of(connection, site, sql.ATTRIBUTES_AFTER, sql.ATTRIBUTES_BY_NUMBER, numbers):
        yield [text for _, text in rows if text is not None]


async def consent_rows(
    connection: Connection, site: int, numbers: Sequence[int] | None = None
) -> AsyncIterator[tuple[list[Identity], list[Row], list[Row]]]:
    """Customers by ascending number, and the evidence of their consent and about newsletters, in slices."""
    slices = slices_of(connection, site, sql.IDENTITIES_AFTER, sql.IDENTITIES_BY_NUMBER, numbers)
    async for rows in slices:
        if rows:
            wanted = (sql.CONSENTS, sql.SUBSCRIPTIONS)
            evidence = await _about(connection, site, rows, wanted, is_range=numbers is None)
            parts = await parts_of(connection, site, [row[0] for row in rows])
            if parts:
                evidence = await _with_parts(connection, site, evidence, wanted, parts)
            yield [Identity(*row) for row in rows], evidence[0], evidence[1]


async def activity_rows(
    connection: Connection, site: int, numbers: Sequence[int] | None = None
) -> AsyncIterator[list[ActivityRow]]:
    """Events in the order of their arrival, in slices. numbers: of these customers only, customer by customer."""
    async for rows in _history(connection, site, sql.ACTIVITIES_AFTER, sql.ACTIVITIES_OF, numbers):
        yield [ActivityRow(*row) for row in rows]


async def log_rows(connection: Connection, site: int, numbers: Sequence[int] | None = None) -> AsyncIterator[list[Log]]:
    """Email logs in the order of their creation, in slices. numbers: of these customers only."""
    async for rows in _history(connection, site, sql.LOGS_AFTER, sql.LOGS_OF, numbers):
        yield [Log(*row) for row in rows]


async def identities(connection: Connection, site: int, numbers: Iterable[int]) -> dict[int, Identity]:
    """The identifiers of customers, by number; those who were deleted are left out.

    Of one that was merged into another one, those of that one.
    """
    asked = sorted(set(numbers))
    rows = await connection.in_thread(sql.IDENTITIES_BY_NUMBER, {"site": site, "keys": _json(asked)})
    found = {row[0]: Identity(*row) for row in rows}
    if await connection.one(ANY_MERGED, {"site": site}) is None:
        return found
    wholes: dict[int, int] = dict(await connection.in_thread(sql.ROOTS_BY_NUMBER, {"site": site, "keys": _json(asked)}))
    others = sorted({whole for number, whole in wholes.items() if whole != number})
    more = await connection.in_thread(sql.IDENTITIES_BY_NUMBER, {"site": site, "keys": _json(others)})
    found.update((row[0], Identity(*row)) for row in more)
    for number, whole in wholes.items():
        if whole != number:
            found[number] = msgspec.structs.replace(found[whole], part=found[number].uuid)
    return {number: found[number] for number in wholes}


async def logs_by_number(connection: Connection, site: int, numbers: Iterable[int]) -> dict[int, Log]:
    """Email logs, by number."""
    rows = await connection.in_thread(statements.LOGS_BY_NUMBER, {"site": site, "keys": _json(sorted(set(numbers)))})
    return {row[0]: Log(*row) for row in rows}


async def events_of_logs(connection: Connection, site: int, numbers: Iterable[int]) -> list[ActivityRow]:
    """The events of email logs, in the order of their arrival."""
    rows = await connection.in_thread(sql.EVENTS_OF_LOGS, {"site": site, "keys": _json(sorted(set(numbers)))})
    return [ActivityRow(*row) for row in sorted(rows, key=_first)]


async def object_names(
    connection: Connection, site: int, places: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], tuple[str | None, str | None, bool]]:
    """The key and the name of objects, and whether they are deleted, by code of the kind and number."""
    rows = await connection.in_thread(statements.OBJECTS_BY_NUMBER, {"site": site, "keys": _json(sorted(places))})
    return {(row[0], row[1]): (row[2], row[3], row[_DELETED_AT] is not None) for row in rows}


async def _about(
    connection: Connection, site: int, rows: list[Row], wanted: Sequence[dict[bool, Statement]], *, is_range: bool
) -> list[list[Row]]:
    """The rows of other tables about a slice of customers."""
    numbers = [row[0] for row in rows]
    values: dict[str, Any] = {"site": site}
    values |= {"first": numbers[0], "last": numbers[-1]} if is_range else {"keys": _json(numbers)}
    return await connection.several([(each[is_range], values) for each in wanted], long=True)


async def _with_parts(
    connection: Connection,
    site: int,
    found: Sequence[list[Row]],
    statements_of: Sequence[dict[bool, Statement]],
    parts: dict[int, int],
) -> list[list[Row]]:
    """Rows that begin with the customer's number, and those of customers who were merged into others."""
    return [
        rows + await _of_parts(connection, site, statement, 0, parts)
        for rows, statement in zip(found, statements_of, strict=True)
    ]


async def _of_parts(
    connection: Connection, site: int, statement: dict[bool, Statement], place: int, parts: dict[int, int]
) -> list[Row]:
    """Rows of customers who were merged into others, as rows of those. place: of the customer's number in a row."""
    rows = await connection.in_thread(statement[False], {"site": site, "keys": _json(sorted(parts))})
    return [(*row[:place], parts[row[place]], *row[place + 1 :]) for row in rows]


def merged_former(rows: Iterable[Row]) -> list[Row]:
    """Former addresses, each once for a customer."""
    found: dict[tuple[str, int], FormerAddress] = {}
    for email_key, customer, hard_bouncing, *rest in rows:
        row = FormerAddress(email_key, customer, bool(hard_bouncing), *rest)
        known = found.setdefault((email_key, customer), row)
        if known is not row:
            known.merge(row)
    return [msgspec.structs.astuple(row) for row in found.values()]


async def _history(
    connection: Connection, site: int, after: Statement, of: Statement, numbers: Sequence[int] | None
) -> AsyncIterator[list[Row]]:
    if numbers is None:
        reached = 0
        while rows := await connection.in_thread(after, {"site": site, "after": reached, "count": SLICE}):
            yield rows
            reached = rows[-1][0]
        return
    for some in _cut(numbers, _FEW):
        listed = [*some, *await parts_of(connection, site, some)]
        rows = sorted(await connection.in_thread(of, {"site": site, "keys": _json(listed)}), key=_first)
        for start in range(0, len(rows), SLICE):
            yield rows[start : start + SLICE]


def _cut(numbers: Sequence[int], size: int) -> Iterable[list[int]]:
    for start in range(0, len(numbers), size):
        yield list(map(int, numbers[start : start + size]))


_first: Final[Callable[[Row], int]] = lambda row: row[0]  # noqa: E731


def _json(keys: Sequence[object]) -> str:
    return msgspec.json.encode(keys).decode()
