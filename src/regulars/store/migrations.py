"""Migrations: bring a database up to this program's schema, step by step, and record each step.

Within a major version steps only add, so older processes keep working beside newer ones.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.schema import CreateIndex, CreateTable

from regulars.domain.moments import now_ms
from regulars.store.engine import Connection, Engine, WriteConnection
from regulars.store.migration_steps import STEPS, Step
from regulars.store.schema import SITE_TABLES, metadata, offer_products, schema_migrations, settings
from regulars.store.statement import DIALECTS, Statement

SERIES: Final = 1
"""The major version of the stored formats. A program refuses a database with another one."""

VERSION: Final = f"{SERIES}.1"
COPY_OF: Final = "copy_of"
"""The setting that marks the target of an unfinished copy; removed when the copy is complete."""

_SITE_TABLES: Final = tuple(table.name for table in SITE_TABLES)
_VERSION: Final = "schema_version"
_GET = Statement("get_setting", select(settings.c.value).where(settings.c.name == bindparam("setting")))
_PUT = Statement("put_setting", insert(settings))
_RECORDS = Statement("schema_migrations", select(*schema_migrations.c).order_by(schema_migrations.c.number))
_RECORD = Statement("record_migration", insert(schema_migrations))
_ADVANCE = Statement(
    "advance_migration",
    update(schema_migrations)
    .values(
        {
            name: bindparam(f"new_{name}", type_=schema_migrations.c[name].type)
            for name in ("finished_at", "position", "done")
        }
    )
    .where(schema_migrations.c.number == bindparam("step")),
)


class IncompatibleError(Exception):
    """The database has another major version, is an unfinished copy, or must be migrated first."""


class Record(NamedTuple):
    """The database's record of one step. Times in ms.

    finished_at: None while a backfill is running; it has processed `done` rows and continues at `position`. Steps older
    than these records carry the time at which recording was introduced.
    """

    number: int
    name: str
    started_at: int
    finished_at: int | None
    position: str | None
    done: int


class Status(NamedTuple):
    """The state of a database: the version of its formats (None: no tables), and the steps by number.

    records: the records of started steps, including those of a newer program.
    """

    version: str | None
    applied: list[int]
    pending: list[int]
    records: list[Record]


class Progress(NamedTuple):
    """The progress of a step. done, total: rows of a backfill; total is None if unknown."""

    step: Step
    done: int
    total: int | None


OnProgress = Callable[[Progress], None]


def _status(version: str | None, records: list[Record], steps: Sequence[Step]) -> Status:
    applied = [record.number for record in records if record.finished_at is not None]
    pending = [step.number for step in steps if step.number not in applied]
    return Status(version, applied, pending, records)


async def _version(connection: Connection, tables: set[str]) -> str | None:
    """The version of the stored formats, None if there are no tables. Raises IncompatibleError."""
    if settings.name not in tables:
        return None
    if await connection.one(_GET, {"setting": COPY_OF}) is not None:
        raise IncompatibleError("the database is an unfinished copy: run the same `regulars copy` again to finish it")
    row = await connection.one(_GET, {"setting": _VERSION})
    version = "" if row is None else str(row[0])
    series = version.partition(".")[0]
    if series != str(SERIES):
        raise IncompatibleError(
            f"the database has stored formats of series {series or 'unknown'}, this program reads series "
            f"{SERIES}: use the version that created it, or restore a backup"
        )
    return version


async def _records(connection: Connection, tables: set[str], steps: Sequence[Step]) -> list[Record]:
    """The recorded steps; for a database older than these records, the steps that it must have had."""
    if schema_migrations.name in tables:
        return [Record(*row) for row in await connection.all(_RECORDS, {})]
    if settings.name not in tables:
        return []
    there = {1, 2} if offer_products.name in tables else {1}
    return [_finished(step) for step in steps if step.number in there]


def _finished(step: Step) -> Record:
    return Record(step.number, step.name, now := now_ms(), now, None, 0)


async def status(engine: Engine, *, steps: Sequence[Step] = STEPS) -> Status:
    """The state of the database, without changing it. Raises IncompatibleError."""
    async with engine.snapshot() as connection:
        tables = await connection.tables()
        return _status(await _version(connection, tables), await _records(connection, tables, steps), steps)


def create_statements(dialect: str, table: Table | None = None) -> list[str]:
    """The SQL that creates all tables, or one, with indexes, as defined in `schema.py`."""
    compiler = DIALECTS[dialect]
    found: list[str] = []
    for each in metadata.sorted_tables if table is None else [table]:
        indexes = sorted(each.indexes, key=lambda index: index.name or "")
        found.append(str(CreateTable(each).compile(dialect=compiler)))
        found += [str(CreateIndex(index).compile(dialect=compiler)) for index in indexes]
    return found


async def has_tables(engine: Engine) -> bool:
    """Whether the database has been set up, by any version of this program."""
    async with engine.snapshot() as connection:
        return settings.name in await connection.tables()


async def migrate(
    engine: Engine,
    *,
    quick_only: bool = False,
    steps: Sequence[Step] = STEPS,
    on_progress: OnProgress = lambda progress: None,
) -> list[int]:
    """Bring the database up to date; returns the numbers of the steps that this call finished.

    Several processes may migrate at once; each step runs once. quick_only: refuse a database that needs a slow step, so
    that a server does not keep its callers waiting.

    Raises IncompatibleError.
    """
    async with engine.migration() as connection:
        tables = await connection.tables()
        version = await _version(connection, tables)
        if version is None:
            await create_tables(connection, engine.dialect)
            await connection.many(_PUT, [(_VERSION, VERSION), *_secrets()])
            await connection.many(_RECORD, [_finished(step) for step in steps])
            return [step.number for step in steps]
        records = await _records(connection, tables, steps)
        is_changed = await connection.hold_plans(_SITE_TABLES)
        if schema_migrations.name not in tables:
            await _begin_records(connection, engine.dialect, records)
        elif not is_changed:
            connection.discard()
    pending = set(_status(version, records, steps).pending)
    waiting = [step for step in steps if step.number in pending]
    if quick_only and not all(step.is_quick for step in waiting):
        long = ", ".join(f"{step.number} ({step.name})" for step in waiting if not step.is_quick)
        raise IncompatibleError(
            "the database needs migrations that can take long: run `regulars migrate`, then start again. Pending: "
            f"step {long}"
        )
    return [step.number for step in waiting if await _take(engine, step, on_progress)]


def _secrets() -> list[tuple[str, str]]:
    """The random settings of a new database: its signing secret and its unique id."""
    return [("secret", secrets.token_hex(32)), ("epoch", secrets.token_hex(16))]


async def create_tables(connection: WriteConnection, dialect: str) -> None:
    """Create all tables, empty."""
    for statement in create_statements(dialect):
        await connection.script(statement)
    await connection.hold_plans(_SITE_TABLES)


async def _begin_records(connection: WriteConnection, dialect: str, records: list[Record]) -> None:
    for statement in create_statements(dialect, schema_migrations):
        await connection.script(statement)
    if await connection.is_distributed():
        await connection.script(f"SELECT create_reference_table('{schema_migrations.name}')")
    await connection.many(_RECORD, records)


async def _take(engine: Engine, step: Step, on_progress: OnProgress) -> bool:
    """Run one step; False if another process has already done so."""
    if step.backfill is not None:
        return await _fill(engine, step, on_progress)
    async with engine.migration() as connection:
        if await _record_of(connection, step) is not None:
            connection.discard()
            return False
        on_progress(Progress(step, 0, None))
        started = now_ms()
        if step.index is not None:
            await engine.create_index(connection, step.index)
        for statement in step.statements.get(engine.dialect, ()):
            await connection.script(statement)
        if "citus" in step.statements:  # it has new tables
            await connection.hold_plans(_SITE_TABLES)
        if "citus" in step.statements and await connection.is_distributed():
            for statement in step.statements["citus"]:
                await connection.script(statement)
        await connection.many(_RECORD, [Record(step.number, step.name, started, now_ms(), None, 0)])
    return True


async def _fill(engine: Engine, step: Step, on_progress: OnProgress) -> bool:
    """Run a backfill, one slice per transaction; concurrent processes share the slices."""
    backfill = step.backfill
    assert backfill is not None
    total: int | None = None
    if backfill.count is not None:
        async with engine.snapshot() as reading:
            total = await backfill.count(reading)
    while True:
        async with engine.migration() as connection:
            record = await _record_of(connection, step)
            if record is None:
                record = Record(step.number, step.name, now_ms(), None, None, 0)
                await connection.many(_RECORD, [record])
            elif record.finished_at is not None:
                connection.discard()
                return False
            slice_ = await backfill.slice(connection, record.position)
            done = record.done + slice_.rows
            finished = now_ms() if slice_.position is None else None
            values = {"new_finished_at": finished, "new_position": slice_.position, "new_done": done}
            await connection.all(_ADVANCE, {**values, "step": step.number})
        on_progress(Progress(step, done, total))
        if finished is not None:
            return True
        await asyncio.sleep(0)  # lets other tasks of this process take the store's lock between slices


async def _record_of(connection: Connection, step: Step) -> Record | None:
    rows = await connection.all(_RECORDS, {})
    return next((Record(*row) for row in rows if row[0] == step.number), None)
