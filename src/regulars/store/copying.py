"""Copies a store with all its history to another database, row by row, whatever the engines.

Rows are copied in key order, one chunk per transaction, so an interrupted copy resumes after the last row that arrived.
The copy reflects one snapshot of the source. If the source has been written to since, its heads differ and the copy
cannot be resumed. Servers refuse the target until the copy is complete.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Table, bindparam, delete, insert, null, select

from regulars.store.comparing import CONTROL_TABLES, control_rows, key_of, site_rows
from regulars.store.control import site_numbers
from regulars.store.engine import Connection, Engine
from regulars.store.migrations import COPY_OF, migrate
from regulars.store.schema import (
    SITE_TABLES,
    account_audit_events,
    accounts,
    jobs,
    keys,
    schema_migrations,
    settings,
    site_heads,
    sites,
    users,
)
from regulars.store.statement import Statement, site_is

_INSERT: Final = {
    table: Statement(f"copy_into_{table.name}", insert(table)) for table in (*SITE_TABLES, *CONTROL_TABLES)
}
_LAST: Final = {
    table: Statement(
        f"last_of_{table.name}",
        select(*(table.c[name] for name in key_of(table)))
        .where(site_is(table))
        .order_by(*(table.c[name].desc() for name in key_of(table)))
        .limit(bindparam("count")),
    )
    for table in SITE_TABLES
    if key_of(table)
}
_HEAD: Final = Statement("copied_head", select(*site_heads.c).where(site_is(site_heads)))
_MARK: Final = Statement("copy_mark", select(settings.c.value).where(settings.c.name == bindparam("setting")))
_UNMARK: Final = Statement("copy_unmark", delete(settings).where(settings.c.name == bindparam("setting")))
_OWN: Final = (settings, schema_migrations)
"""What every database has, and a copy has from its source."""
_EMPTY: Final = {
    table: Statement(f"empty_{table.name}", delete(table).where(next(iter(table.primary_key)).is_not(null())))
    for table in _OWN
}


class OccupiedError(Exception):
    """The target of a copy is not empty and is not an unfinished part of this copy."""


async def copy(source: Engine, target: Engine, on_progress: Callable[[int], None] | None = None) -> int:
    """Copy a store into an empty database, or resume an interrupted copy; returns the number of rows copied.

    on_progress: called with the number of rows after each chunk.
    Raises OccupiedError, IncompatibleError, UnavailableError.
    """
    await migrate(source)
    async with source.snapshot() as origin:
        numbers = await site_numbers(origin)
        mark = await _mark(origin, numbers)
        await _begin(target, mark)
        copied = 0
        for number in numbers:
            copied += await _copy_site(origin, target, number, on_progress)
        return copied + await _finish(origin, target)


async def _mark(origin: Connection, numbers: list[int]) -> str:
    """Identifies this state of this store: all heads with their tokens, and all settings."""
    heads = [await origin.all(_HEAD, {"site": number}) for number in numbers]
    return msgspec.json.encode((await control_rows(origin, settings), heads)).decode()


async def _begin(target: Engine, mark: str) -> None:
    """Mark the target as an unfinished copy. It may have tables, distributed by Citus or not, but no accounts."""
    if await _is_begun(target, mark):
        return
    await migrate(target)
    async with target.migration() as connection:
        for table in CONTROL_TABLES:
            if table not in _OWN and await control_rows(connection, table):
                raise OccupiedError("the target is in use: a copy needs an empty database")
        for statement in _EMPTY.values():
            await connection.all(statement, {})
        await connection.many(_INSERT[settings], [(COPY_OF, mark)])


async def _is_begun(target: Engine, mark: str) -> bool:
    async with target.snapshot() as connection:
        if settings.name not in await connection.tables():
            return False
        row = await connection.one(_MARK, {"setting": COPY_OF})
    if row is not None and row[0] != mark:
        raise OccupiedError(
            "the target is an unfinished copy of another database, or of this one before it changed: start again with "
            "an empty database"
        )
    return row is not None


async def _copy_site(origin: Connection, target: Engine, site: int, on_progress: Callable[[int], None] | None) -> int:
    """Copy the rows of a site that the target lacks, the head last."""
    async with target.snapshot() as there:
        if await there.all(_HEAD, {"site": site}):
            return 0
    copied = 0
    for table in (*_LAST, site_heads):
        after = await _last(target, table, site)
        async for rows in site_rows(origin, table, site, after):
            async with target.transaction() as connection:
                await connection.many(_INSERT[table], rows)
            copied += len(rows)
            if on_progress is not None:
                on_progress(len(rows))
    return copied


async def _last(target: Engine, table: Table, site: int) -> tuple[Any, ...] | None:
    """The key of the last row of a site in the target."""
    if table not in _LAST:
        return None
    async with target.snapshot() as there:
        return await there.one(_LAST[table], {"site": site, "count": 1})


async def _finish(origin: Connection, target: Engine) -> int:
    """Copy the small tables and remove the mark in one transaction, which completes the copy."""
    copied = 0
    async with target.transaction() as connection:
        await connection.all(_UNMARK, {"setting": COPY_OF})
        for table in CONTROL_TABLES:
            rows = await control_rows(origin, table)
            await connection.many(_INSERT[table], rows)
            copied += len(rows)
        for table in (accounts, sites, keys, jobs, users, account_audit_events):
            await connection.resume_numbers(table.name)
    return copied
