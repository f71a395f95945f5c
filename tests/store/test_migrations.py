"""Migrations: every earlier state is brought up to date, each step once, whatever stops or repeats it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from regulars.store import change_statements as sql
from regulars.store.engine import Connection, Engine, NewIndex, UnavailableError, WriteConnection
from regulars.store.inspection import contradictions
from regulars.store.migration_steps import KEYS, STEPS, Backfill, Step, on_every_engine
from regulars.store.migrations import (
    IncompatibleError,
    Progress,
    create_statements,
    migrate,
    status,
)
from regulars.store.schema import SITE_TABLES, metadata, schema_migrations
from regulars.store.slices import Slice
from regulars.store.store import Store, engine_for

from ..databases import EMPTY, Query, drop_database, new_database, only_on_postgresql, query, url_of
from .chain import assert_replay_gives_the_tables
from .running import activity, upsert
from .schema_fixtures import fixture_of, normal, restore, statements_of

NEWEST = STEPS[-1].number
NUMBERS = [step.number for step in STEPS]
STATES = [
    number if number == 1 or number % 8 == 0 or number > NEWEST - 4 else pytest.param(number, marks=pytest.mark.slow)
    for number in NUMBERS
]
"""Each state: `make test` upgrades every eighth and the newest ones, `make test-long` the others, too."""
on_engines = pytest.mark.parametrize("engine", EMPTY)


@asynccontextmanager
async def database(folder: Path, engine: str, step: int | None = None) -> AsyncIterator[tuple[Engine, Path]]:
    """A new database, or one of the state after a step."""
    path = new_database(folder, engine, f"step-{step}")
    if step is not None:
        restore(path, step, engine)
    opened = engine_for(url_of(path))
    await opened.open()
    try:
        yield opened, path
    finally:
        await opened.close()
        drop_database(path)


def shape(path: Path) -> set[tuple[object, ...]]:
    """Every column, key and index of a database, whatever order they were added in."""
    with Query(path) as read:
        if not read.is_sqlite:
            columns = "SELECT table_name, column_name, data_type, is_nullable, column_default"
            return {
                *read.rows(f"{columns} FROM information_schema.columns WHERE table_schema = current_schema()"),
                *read.rows("SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()"),
            }
        found: set[tuple[object, ...]] = set()
        for name, sql in read.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"):
            found.add((name, "WITHOUT ROWID" in sql))
            found |= {(name, *row[1:]) for row in read.rows("SELECT * FROM pragma_table_info(?)", name)}
            for index, is_unique, is_partial in read.rows(
                'SELECT name, "unique", partial FROM pragma_index_list(?)', name
            ):
                keys = tuple(key for (key,) in read.rows("SELECT name FROM pragma_index_info(?)", index))
                found.add((name, is_unique, is_partial, keys))
        found |= {(normal(sql),) for (sql,) in read.rows("SELECT sql FROM sqlite_schema WHERE type = 'index'") if sql}
        return found


def without_records(path: Path) -> set[tuple[object, ...]]:
    return {each for each in shape(path) if schema_migrations.name not in str(each)}


_shapes: dict[str, set[tuple[object, ...]]] = {}


async def shape_of_new(folder: Path, engine: str) -> set[tuple[object, ...]]:
    """The shape of a database that was made by the newest program; made once for each engine."""
    if engine not in _shapes:
        async with database(folder, engine) as (new, path):
            assert await migrate(new) == NUMBERS
            _shapes[engine] = shape(path)
    return _shapes[engine]


def taken(path: Path) -> list[tuple[int, bool]]:
    return query(path, "SELECT number, finished_at IS NOT NULL FROM schema_migrations ORDER BY number")


@on_engines
@pytest.mark.parametrize("state", STATES)
async def test_every_earlier_state_becomes_the_newest(tmp_path: Path, engine: str, state: int) -> None:
    expected = await shape_of_new(tmp_path, engine)
    async with database(tmp_path, engine, state) as (old, path):
        before = query(path, "SELECT site_id, number, email FROM customers ORDER BY site_id, number")
        assert before
        assert (await status(old)).pending == NUMBERS[state:]
        assert await migrate(old) == NUMBERS[state:]
        assert shape(path) == expected
        assert [number for number, is_done in taken(path) if is_done] == NUMBERS
        assert query(path, "SELECT site_id, number, email FROM customers ORDER BY site_id, number") == before
        assert await migrate(old) == []
        stands = await status(old)
        assert (stands.version, stands.applied, stands.pending) == ("1.1", NUMBERS, [])
        assert all(record.started_at > 1_600_000_000_000 for record in stands.records)


@on_engines
async def test_an_upgraded_database_is_written_to_and_asked(tmp_path: Path, engine: str) -> None:
    async with database(tmp_path, engine, 1) as (old, path):
        await migrate(old)
        store = await Store.open(url_of(path))
        try:
            outcomes = await store.ledger.submit_all(
                1, [upsert(email="ü1@example.com", firstname="Ünal"), activity("email_opened", email="new@example.com")]
            )
        finally:
            await store.close()
        assert [outcome.verdict for outcome in outcomes] == ["updated", "created"]
        assert_replay_gives_the_tables(path)


@on_engines
async def test_keys_that_look_the_same_become_the_same_and_nobody_is_merged(tmp_path: Path, engine: str) -> None:
    customers = [
        (1, 1, "iv@b\u00fccher.example", "Cafe\u0301 1"),
        (1, 2, "iv@xn--bcher-kva.example", "Cafe\u0301 2"),
        (1, 4, "kim@fa\u00df.example", "Caf\u00e9 1"),
        (3, 1, "kim@b\u00fccher.example", "c"),
    ]
    async with database(tmp_path, engine, KEYS - 1) as (old, path):
        async with old.migration() as connection:
            for site, number, address, customer_id in customers:
                values = f"email = '{address}', email_key = '{address.casefold()}', customer_id = '{customer_id}'"
                await connection.script(f"UPDATE customers SET {values} WHERE site_id = {site} AND number = {number}")
        assert KEYS in await migrate(old)
        columns = "SELECT email, email_key, customer_id FROM customers WHERE number <> 4 OR site_id = 1"
        assert query(path, f"{columns} ORDER BY site_id, number")[:4] == [
            ("iv@b\u00fccher.example", "iv@b\u00fccher.example", "Cafe\u0301 1"),
            ("iv@b\u00fccher.example", "iv@xn--bcher-kva.example", "Caf\u00e9 2"),
            ("kim@fa\u00df.example", "kim@xn--fa-hia.example", "Caf\u00e9 1"),
            ("kim@b\u00fccher.example", "kim@xn--bcher-kva.example", "c"),
        ]
        async with old.snapshot() as connection:
            told = [each async for each in contradictions(connection, 1)]
        assert told == [
            "customer 1: customer 2 has the same address; change or delete one of them",
            "customer 1: another customer has the same customer_id after normalization; change or delete one of them",
        ]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_tables_do_not_change_without_a_step(engine: str) -> None:
    """Whoever changes schema.py adds a step, and its fixture: `python -m tests.store.schema_fixtures`."""

    def tables(statements: list[str]) -> set[str]:
        made = {normal(each) for each in statements if each.strip().startswith("CREATE")}
        return {each for each in made if schema_migrations.name not in each}

    assert tables(statements_of(fixture_of(NEWEST, engine))) == tables(create_statements(engine))
    assert all(fixture_of(number, engine).exists() for number in NUMBERS)


def test_steps_are_numbered_in_order() -> None:
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))
    assert len({step.name for step in STEPS}) == len(STEPS)
    for step in STEPS[1:]:
        kinds = [bool(step.statements), step.index is not None, step.backfill is not None]
        assert sum(kinds) == 1, f"step {step.number} must have statements, an index or a backfill"
        assert not step.statements or {"sqlite", "postgresql"} <= set(step.statements)


def test_every_new_table_is_distributed_by_citus() -> None:
    for step in STEPS[1:]:
        made = re.findall(r"CREATE TABLE (\w+)", " ".join(step.statements.get("postgresql", ())))
        assert step.statements.get("citus", ()) == tuple(
            f"SELECT create_distributed_table('{name}', 'site_id', colocate_with => 'site_heads')"
            if metadata.tables[name] in SITE_TABLES
            else f"SELECT create_reference_table('{name}')"
            for name in made
        )


class Distributed:
    """An engine whose database says that Citus has distributed its tables; what Citus alone can run is kept."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ran: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.engine, name)

    @asynccontextmanager
    async def migration(self) -> AsyncIterator[WriteConnection]:
        async with self.engine.migration() as connection:
            script = connection.script

            async def keep(text: str) -> None:
                self.ran.append(text)
                if "create_" not in text:
                    await script(text)

            async def yes() -> bool:
                return True

            connection.script, connection.is_distributed = keep, yes  # type: ignore[method-assign]
            yield connection


async def test_on_citus_each_step_distributes_its_tables(tmp_path: Path) -> None:
    async with database(tmp_path, "postgresql", 1) as (engine, _):
        distributed = Distributed(engine)
        assert await migrate(distributed) == NUMBERS[1:]  # type: ignore[arg-type]
        made = [text for text in distributed.ran if "create_" in text]
        assert made == [
            "SELECT create_reference_table('schema_migrations')",
            *(text for step in STEPS for text in step.statements.get("citus", ())),
        ]


# -- what future steps may do ---------------------------------------------------------------------------------

COLUMN = Step(
    number=NEWEST + 1, name="nickname", statements=on_every_engine("ALTER TABLE customers ADD COLUMN nickname TEXT")
)
INDEX = Step(
    number=NEWEST + 2, name="nickname_index", index=NewIndex("customers_nickname", "customers (site_id, nickname)")
)


async def _slice(connection: WriteConnection, position: str | None) -> Slice:
    """Give one customer of site 1 a nickname, and one that has one already a longer one."""
    after = int(position or 0)
    row = await connection.one(sql.LOAD_CUSTOMERS, {"site": 1, "after": after, "count": 1})
    if row is None:
        return Slice(0, None)
    await connection.script(
        f"UPDATE customers SET nickname = coalesce(nickname, '') || 'n{row[0]}' WHERE site_id = 1 AND number = {row[0]}"
    )
    return Slice(1, str(row[0]))


async def _count(connection: Connection) -> int:
    return len(await connection.all(sql.LOAD_CUSTOMERS, {"site": 1, "after": 0, "count": 1_000}))


BACKFILL = Step(number=NEWEST + 3, name="nicknames", backfill=Backfill(_slice, _count))
LATER = (*STEPS, COLUMN, INDEX, BACKFILL)
NICKNAMES = [(1, "n1"), (2, "n2"), (4, "n4")]


def nicknames(path: Path) -> list[tuple[object, ...]]:
    return query(path, "SELECT number, nickname FROM customers WHERE site_id = 1 ORDER BY number")


@on_engines
async def test_a_step_adds_a_column_an_index_and_what_belongs_in_them(tmp_path: Path, engine: str) -> None:
    async with database(tmp_path, engine, NEWEST) as (opened, path):
        told: list[Progress] = []
        assert await migrate(opened, steps=LATER, on_progress=told.append) == [NEWEST + 1, NEWEST + 2, NEWEST + 3]
        assert nicknames(path) == NICKNAMES
        assert "customers_nickname" in str(shape(path))
        filled = [(progress.done, progress.total) for progress in told if progress.step is BACKFILL]
        assert filled == [(1, 3), (2, 3), (3, 3), (3, 3)]
        record = (await status(opened, steps=LATER)).records[-1]
        assert (record.name, record.done, record.position) == ("nicknames", 3, None)
        assert await migrate(opened, steps=LATER) == []
        # An older program goes on beside it.
        assert (await status(opened)).applied == [*NUMBERS, NEWEST + 1, NEWEST + 2, NEWEST + 3]
        assert await migrate(opened, quick_only=True) == []


@on_engines
async def test_a_backfill_that_was_killed_goes_on_after_its_last_slice(tmp_path: Path, engine: str) -> None:
    async def fails_late(connection: WriteConnection, position: str | None) -> Slice:
        done = await _slice(connection, position)
        if position == "1":
            raise KeyboardInterrupt  # after its writes: they must not stay
        return done

    dying = replace(BACKFILL, backfill=Backfill(fails_late))
    async with database(tmp_path, engine, NEWEST) as (opened, path):
        with pytest.raises(KeyboardInterrupt):
            await migrate(opened, steps=(*STEPS, COLUMN, dying))
        assert nicknames(path) == [(1, "n1"), (2, None), (4, None)]
        stands = await status(opened, steps=LATER)
        assert (stands.pending, stands.records[-1].position) == ([NEWEST + 2, NEWEST + 3], "1")
        assert await migrate(opened, steps=LATER) == [NEWEST + 2, NEWEST + 3]
        assert nicknames(path) == NICKNAMES


@on_engines
async def test_two_processes_share_the_work_and_do_nothing_twice(tmp_path: Path, engine: str) -> None:
    async with database(tmp_path, engine, 1) as (opened, path):
        other = engine_for(url_of(path))
        await other.open()
        try:
            both = await asyncio.gather(migrate(opened, steps=LATER), migrate(other, steps=LATER))
        finally:
            await other.close()
        assert sorted([*both[0], *both[1]]) == [step.number for step in LATER[1:]]
        assert nicknames(path) == NICKNAMES


@on_engines
async def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path, engine: str) -> None:
    broken = replace(
        COLUMN, statements=on_every_engine(*COLUMN.statements["sqlite"], "CREATE TABLE settings (name TEXT)")
    )
    async with database(tmp_path, engine, NEWEST) as (opened, path):
        before = without_records(path)
        with pytest.raises((UnavailableError, apsw.SQLError)):
            await migrate(opened, steps=(*STEPS, broken))
        assert without_records(path) == before
        assert (await status(opened, steps=LATER)).pending == [step.number for step in LATER[NEWEST:]]


@on_engines
async def test_a_server_takes_no_step_that_may_be_long(tmp_path: Path, engine: str) -> None:
    async with database(tmp_path, engine, 1) as (opened, path):
        await migrate(opened)
        before = without_records(path)
        for later in (INDEX, BACKFILL):
            with pytest.raises(
                IncompatibleError, match=rf"run `regulars migrate`.*step {later.number} \({later.name}\)"
            ):
                await migrate(opened, quick_only=True, steps=(*STEPS, COLUMN, later))
        assert without_records(path) == before
        assert await migrate(opened, quick_only=True, steps=(*STEPS, COLUMN)) == [COLUMN.number]


_BUILDING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '% INDEX CONCURRENTLY %' AND pid <> pg_backend_pid()"


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what it waits for happens in another process
        await asyncio.sleep(0.02)


@only_on_postgresql("SQLite builds an index under its one write lock, never beside writers")
async def test_an_index_is_built_beside_writers_and_after_a_broken_build(tmp_path: Path) -> None:
    import psycopg

    async with database(tmp_path, "postgresql", NEWEST) as (opened, path):
        await migrate(opened, steps=(*STEPS, COLUMN))
        with psycopg.connect(url_of(path), autocommit=True) as other:
            other.execute("UPDATE customers SET nickname = 'same' WHERE site_id = 1")
            with pytest.raises(psycopg.errors.UniqueViolation):
                other.execute("CREATE UNIQUE INDEX CONCURRENTLY customers_nickname ON customers (site_id, nickname)")
        assert await opened.damage() == ["the index customers_nickname is not valid"]
        with psycopg.connect(url_of(path)) as writer:
            writer.execute("UPDATE customers SET name = 'x' WHERE site_id = 1")  # a transaction that is under way
            building = asyncio.create_task(migrate(opened, steps=LATER[:-1]))
            await _until(lambda: query(path, _BUILDING) != [])
            writer.execute("UPDATE customers SET name = 'y' WHERE site_id = 3")  # is not kept waiting by the build
            assert not building.done()
            writer.commit()
            assert await building == [INDEX.number]
        assert await opened.damage() == []
