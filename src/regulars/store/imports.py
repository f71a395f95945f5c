"""The records of imports: begun, kept up to date while they run, listed, and read to be undone."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from regulars.domain.imports import ImportChange, ImportRecord, change_of_row
from regulars.store import import_statements as sql
from regulars.store import statements
from regulars.store.engine import Connection, Engine

_MOST: Final = 100_000
_PAGE: Final = 10_000
NEWEST: Final = 2**62
"""Above every number of an import or customer."""


async def begin_import(engine: Engine, site: int, *, kind: str, file: str, origin: str, now: int) -> ImportRecord:
    """Record that an import has begun at `now` (ms); returns its record."""
    async with engine.transaction() as connection:
        await connection.one(statements.LOCK_HEAD, {"site": site})
        newest = await connection.one(sql.NEWEST_IMPORT, {"site": site})
        record = ImportRecord(
            number=(0 if newest is None else newest[0] or 0) + 1,
            kind=kind,
            file=file,
            origin=origin,
            state="running",
            summary="{}",
            undo=None,
            started_at=now,
            seen_at=now,
            finished_at=None,
            undone_at=None,
        )
        await connection.many(sql.INSERT_IMPORT, [(site, *msgspec.structs.astuple(record))])
    return record


async def save_import(engine: Engine, site: int, record: ImportRecord) -> None:
    """Store how far an import has come, or how it ended."""
    values = (record.state, record.summary, record.undo, record.seen_at, record.finished_at, record.undone_at)
    async with engine.transaction() as connection:
        await connection.many(sql.SAVE_IMPORT, [(*values, site, record.number)])


async def find_import(connection: Connection, site: int, number: int) -> ImportRecord | None:
    """The import with this number, if there is one."""
    row = await connection.one(sql.IMPORT, {"site": site, "number": number})
    return None if row is None else _record(row)


async def list_imports(
    connection: Connection, site: int, *, below: int = NEWEST, count: int = 100
) -> list[ImportRecord]:
    """The newest imports with numbers below one."""
    rows = await connection.all(sql.IMPORTS, {"site": site, "below": below, "count": count})
    return [_record(row) for row in rows]


async def imports_of_origin(connection: Connection, site: int, origin: str) -> list[ImportRecord]:
    """The imports with this origin, newest first."""
    rows = await connection.all(sql.IMPORTS_OF_ORIGIN, {"site": site, "origin_is": origin})
    return [_record(row) for row in rows]


async def changes_to_undo(
    connection: Connection, site: int, import_number: int, *, below: int, count: int
) -> list[list[ImportChange]]:
    """What an import changed of the next customers with numbers below one, by customer, each newest first.

    count: about how many changes; customers are never cut.
    """
    while True:
        values = {"site": site, "import_is": import_number, "below": below, "count": count}
        rows = await connection.all(sql.CHANGES, values)
        found: dict[int, list[ImportChange]] = {}
        for change in map(change_of_row, rows):
            found.setdefault(change.customer, []).append(change)
        if len(rows) < count:
            return list(found.values())
        if len(found) > 1:
            return list(found.values())[:-1]
        count *= 2


async def changed_customers_of(connection: Connection, site: int, import_number: int) -> set[int]:
    """The customers that an import has changed, by number; read in pages."""
    found: set[int] = set()
    above = 0
    while True:
        values = {"site": site, "import_is": import_number, "above": above, "count": _PAGE}
        rows = await connection.all(sql.CHANGED_CUSTOMERS, values)
        found.update(row[0] for row in rows)
        if len(rows) < _PAGE:
            return found
        above = rows[-1][0]


async def undone_later(
    connection: Connection, site: int, import_number: int, customers: Iterable[int]
) -> dict[int, dict[int, int | None]]:
    """What undoing imports after this one did to customers: see `UndoImport.undone`, by customer."""
    keys = msgspec.json.encode(list(customers)).decode()
    rows = await connection.all(sql.UNDONE_LATER, {"site": site, "after": import_number, "keys": keys})
    oldest: dict[tuple[int, int], tuple[Any, int]] = {}
    for customer, number, _, base, undone in sorted(rows, key=lambda row: row[2]):
        oldest.setdefault((customer, number), (base, undone))
    found: dict[int, dict[int, int | None]] = {}
    for (customer, _), (base, undone) in oldest.items():
        found.setdefault(customer, {})[undone] = base
    return found


def _record(row: tuple[Any, ...]) -> ImportRecord:
    return ImportRecord(**dict(zip(ImportRecord.__struct_fields__, row, strict=True)))


async def forget_examples(engine: Engine, site: int, *, until: int) -> None:
    """Delete the values that summaries of imports quote, of those that began up to a time (ms)."""
    async with engine.snapshot() as connection:
        records = await list_imports(connection, site, count=_MOST)
    for record in records:
        summary = msgspec.json.decode(record.summary)
        if record.started_at <= until and summary.get("examples"):
            text = msgspec.json.encode({**summary, "examples": []}).decode()
            await save_import(engine, site, msgspec.structs.replace(record, summary=text))
