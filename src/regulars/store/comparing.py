"""Compares two stores: every row of every table, in key order and in chunks."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, bindparam, or_, select

from regulars.store.control import secret, site_numbers
from regulars.store.engine import Connection, Row
from regulars.store.migrations import COPY_OF
from regulars.store.schema import SITE_TABLES, changes, metadata, settings
from regulars.store.statement import Statement, site_is

CONTROL_TABLES: Final = tuple(table for table in metadata.sorted_tables if table not in SITE_TABLES)

_ROWS_AT_A_TIME: Final = 2_000
_CHANGES_AT_A_TIME: Final = 100
"""Fewer, as a change may take 256 KiB."""

_FIRST: Final[dict[type, object]] = {int: -1, str: "", bytes: b""}
"""Below any value in a key, by its type."""


def key_of(table: Table) -> list[str]:
    """The columns of a table's key within a site."""
    return [column.name for column in table.primary_key.columns if column.name != "site_id"]


def _after(table: Table) -> ColumnElement[bool]:
    """The condition that a row comes after the key in the parameters, comparing the key's columns one by one.

    The first condition is redundant, but tells the planner where in the index to begin.
    """
    columns = [table.c[name] for name in key_of(table)]
    given = [bindparam(f"after_{column.name}", type_=column.type) for column in columns]
    later = [
        and_(*(columns[before] == given[before] for before in range(place)), columns[place] > given[place])
        for place in range(len(columns))
    ]
    return and_(columns[0] >= given[0], or_(*later))


_READ: Final = {
    table: Statement(
        f"rows_of_{table.name}",
        select(*table.c)
        .where(site_is(table), _after(table))
        .order_by(*(table.c[name] for name in key_of(table)))
        .limit(bindparam("count")),
    )
    if key_of(table)
    else Statement(f"rows_of_{table.name}", select(*table.c).where(site_is(table)))
    for table in SITE_TABLES
}
_READ_CONTROL: Final = {
    table: Statement(f"rows_of_{table.name}", select(*table.c).order_by(*table.primary_key.columns))
    for table in CONTROL_TABLES
}


async def control_rows(connection: Connection, table: Table) -> list[Row]:
    """All rows of a small table, except the mark of an unfinished copy."""
    rows = await connection.all(_READ_CONTROL[table], {})
    return [row for row in rows if table is not settings or row[0] != COPY_OF]


async def site_rows(
    connection: Connection, table: Table, site: int, after: tuple[int, ...] | None = None
) -> AsyncIterator[list[Row]]:
    """The rows of a site in a table, in chunks by ascending key. after: start after this key."""
    names = key_of(table)
    if not names:
        yield await connection.all(_READ[table], {"site": site})
        return
    count = _CHANGES_AT_A_TIME if table is changes else _ROWS_AT_A_TIME
    pick = picker(table)
    reached: tuple[Any, ...] = after or tuple(_FIRST[table.c[name].type.python_type] for name in names)
    while True:
        values = {f"after_{name}": value for name, value in zip(names, reached, strict=True)}
        rows = await connection.all(_READ[table], {"site": site, "count": count, **values})
        if rows:
            yield rows
        if len(rows) < count:
            return
        reached = pick(rows[-1])


def picker(table: Table) -> Callable[[Row], tuple[Any, ...]]:
    """Return a function that extracts a row's key within its site."""
    columns = list(table.c.keys())
    places = [columns.index(name) for name in key_of(table)]
    return lambda row: tuple(row[place] for place in places)


async def are_copies(one: Connection, other: Connection) -> bool:
    """Whether one store is a copy of the other: they have the same secret, which is random."""
    return await secret(one) == await secret(other)


async def differences(
    one: Connection, other: Connection, on_progress: Callable[[int], None] | None = None
) -> list[str]:
    """The differences between two stores, one sentence per site and table; empty if all rows are equal.

    on_progress: called with the number of rows after each chunk.
    """
    found: list[str] = []
    for table in CONTROL_TABLES:
        rows = [await control_rows(connection, table) for connection in (one, other)]
        if rows[0] != rows[1]:
            found.append(f"{table.name}: {_sentence(len(set(rows[0]) ^ set(rows[1])))}")
    numbers = sorted({*await site_numbers(one), *await site_numbers(other)})
    for site in numbers:
        counts = {table.name: await _compare(one, other, table, site, on_progress) for table in SITE_TABLES}
        found += [f"site {site}, {name}: {_sentence(count)}" for name, count in counts.items() if count]
    return found


async def _compare(
    one: Connection, other: Connection, table: Table, site: int, on_progress: Callable[[int], None] | None
) -> int:
    """The number of rows that differ or exist in only one of the stores."""
    streams = [site_rows(connection, table, site) for connection in (one, other)]
    waiting: list[dict[Any, Row]] = [{}, {}]
    different = 0
    pick = picker(table)
    while True:
        slices = [await anext(stream, []) for stream in streams]
        if not any(slices):
            return different + len(waiting[0]) + len(waiting[1])
        if on_progress is not None:
            on_progress(len(slices[0]))
        if slices[0] == slices[1] and not any(waiting):
            continue
        for mine, theirs, rows in ((0, 1, slices[0]), (1, 0, slices[1])):
            for row in rows:
                key = pick(row)
                if key in waiting[theirs]:
                    different += waiting[theirs].pop(key) != row
                else:
                    waiting[mine][key] = row


def _sentence(count: int) -> str:
    return "one row differs" if count == 1 else f"{count:,} rows differ"
