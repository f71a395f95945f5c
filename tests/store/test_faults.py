"""A PostgreSQL server that fails in every way we know: nothing answered is lost, nothing happens twice, all heals."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.pq import DiagnosticField

from regulars.audience.filters.predicates import All
from regulars.audience.service import Audience
from regulars.domain.identity import Who
from regulars.store import ledger as ledger_module
from regulars.store import reads
from regulars.store.engine import OutcomeUnknownError, UnavailableError
from regulars.store.postgresql.engine import PostgresqlEngine
from regulars.store.postgresql.errors import ExpiredError, LostError, failure_of
from regulars.store.postgresql.pool import PoolExhaustedError
from regulars.store.statement import Sql
from regulars.store.store import Store

from ..databases import restart_server, server, url_of
from .chain import assert_replay_gives_the_tables
from .proxy import Proxy, proxied
from .running import Running, activity, on_postgresql, stored_customers, upsert

SLEEP = Sql("SELECT pg_sleep(5)", (), {})


def administer(url: str, *texts: str) -> list[tuple[Any, ...]]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for text in texts:
            cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def hang_up_all(at: Running) -> None:
    name = urlsplit(url_of(at.path)).path[1:]
    administer(server(), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


@asynccontextmanager
async def through_proxy(at: Running, **settings: Any) -> AsyncIterator[tuple[Proxy, Store]]:
    """A second store on the same database, whose connections a proxy can cut."""
    with tempfile.TemporaryDirectory() as folder:
        async with proxied(url_of(at.path), Path(folder)) as proxy:
            store = await Store.open(proxy.url, **settings)
            try:
                yield proxy, store
            finally:
                await store.close()


def engine_of(at: Running, **settings: Any) -> PostgresqlEngine:
    return PostgresqlEngine(url_of(at.path), **settings)


# -- a commit whose answer is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_connection_cut_at_the_commit(cut: Literal["before", "after"], tmp_path: Path) -> None:
    @on_postgresql()
    async def run(at: Running) -> None:
        async with through_proxy(at) as (proxy, store):
            await store.ledger.submit(1, upsert(email="a@example.com"))
            proxy.cut = cut
            outcome = await store.ledger.submit(1, activity("visit", email="a@example.com"))
            assert outcome.verdict == "updated"
            assert proxy.cuts == 1
            assert at.head()[0] == 2
            assert stored_customers(at.path)[1].lifetime_visits == 1
            assert at.rows("SELECT count(*) FROM activities") == [(1,)]
            assert_replay_gives_the_tables(at.path)

    await run(tmp_path, "postgresql")


@on_postgresql()
async def test_many_commits_are_cut_and_each_command_happens_once(at: Running) -> None:
    async with through_proxy(at) as (proxy, store):
        for n in range(20):
            proxy.cut = "before" if n % 2 else "after"
            commands = [activity("visit", email=f"u{k}@example.com") for k in range(5)]
            await store.ledger.submit_all(
                1, [upsert(email=f"u{k}@example.com") for k in range(5)] if not n else commands
            )
        assert proxy.cuts == 20
    assert {customer.lifetime_visits for customer in stored_customers(at.path).values()} == {19}
    assert at.head()[0] == 20
    assert_replay_gives_the_tables(at.path)


@on_postgresql()
async def test_an_outcome_that_stays_unknown_is_said_to_be(at: Running) -> None:
    async with through_proxy(at) as (proxy, store):
        await store.ledger.submit(1, upsert(email="a@example.com"))
        before = ledger_module.SETTLE_SECONDS
        ledger_module.SETTLE_SECONDS = 0  # type: ignore[misc]
        try:
            proxy.cut = "after"
            working = asyncio.ensure_future(store.ledger.submit(1, upsert(email="b@example.com")))
            await proxy.was_cut.wait()
            proxy.path.unlink()
            with pytest.raises(OutcomeUnknownError):
                await working
        finally:
            ledger_module.SETTLE_SECONDS = before  # type: ignore[misc]


# -- a server that goes away ----------------------------------------------------------------------------------


@on_postgresql()
async def test_dead_connections_are_replaced_unnoticed(at: Running) -> None:
    await at.upsert(email="a@example.com")
    for _ in range(3):
        hang_up_all(at)
        async with at.store.snapshot() as connection:
            assert await reads.find_person(connection, 1, Who(email_key="a@example.com")) is not None
        hang_up_all(at)
        assert (await at.upsert(email="a@example.com")).verdict == "unchanged"


@on_postgresql()
async def test_a_restart_loses_nothing_that_was_answered(at: Running) -> None:
    answered: list[str] = []
    unavailable = 0
    going = True

    async def write(name: str) -> None:
        nonlocal unavailable
        n = 0
        while going:
            n += 1
            try:
                await at.upsert(email=f"{name}{n}@example.com")
            except UnavailableError:
                unavailable += 1
                await asyncio.sleep(0.02)
            else:
                answered.append(f"{name}{n}@example.com")

    writers = [asyncio.ensure_future(write(name)) for name in "abcd"]
    await asyncio.sleep(0.2)
    await asyncio.to_thread(restart_server)
    healed = len(answered)
    await asyncio.sleep(0.5)
    going = False
    await asyncio.gather(*writers)
    assert len(answered) > healed, "it did not heal"
    emails = [customer.email for customer in stored_customers(at.path).values()]
    assert len(emails) == len(set(emails))
    assert set(answered) <= set(emails)
    assert_replay_gives_the_tables(at.path)


@on_postgresql()
async def test_a_fail_over_that_lost_commits_rebuilds_the_index(at: Running) -> None:
    audience = Audience(at.store.changes)
    everyone = All(())

    async def count() -> int:
        while True:
            try:
                async with audience.ask(1, everyone) as answer:
                    return answer.total
            except UnavailableError:
                await asyncio.sleep(0.05)

    name = urlsplit(url_of(at.path)).path[1:]
    await at.store.ledger.submit_all(1, [upsert(email=f"u{n}@example.com") for n in range(5)])
    hang_up_all(at)
    administer(server(), f'CREATE DATABASE "{name}_old" TEMPLATE "{name}"')
    await at.store.ledger.submit_all(1, [upsert(email=f"v{n}@example.com") for n in range(5)])
    assert await count() == 10
    hang_up_all(at)
    administer(
        server(),
        f'ALTER DATABASE "{name}" RENAME TO "{name}_lost"',
        f'ALTER DATABASE "{name}_old" RENAME TO "{name}"',
        f'DROP DATABASE "{name}_lost" WITH (FORCE)',
    )
    # The other way round: as many changes as before, but other ones.
    await at.upsert(email="w@example.com")
    assert await count() == 6
    assert audience.rebuilds == 1
    await audience.close()


# -- limits ---------------------------------------------------------------------------------------------------


@on_postgresql()
async def test_a_full_pool_says_so_and_goes_on(at: Running) -> None:
    engine = engine_of(at, connections=2, pool_seconds=0.1)
    await engine.open()
    async with engine.snapshot(), engine.snapshot():
        with pytest.raises(PoolExhaustedError):
            async with engine.transaction():
                pass
    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(engine.damage())
    await engine.close()


@on_postgresql()
async def test_a_statement_that_takes_too_long_is_given_up(at: Running) -> None:
    engine = engine_of(at, statement_seconds=0.2)
    await engine.open()
    async with engine.snapshot() as connection:
        with pytest.raises(ExpiredError):
            await connection.ask(SLEEP)
    assert await engine.damage() == []
    await engine.close()


@on_postgresql()
async def test_a_server_that_falls_silent_counts_as_lost(at: Running) -> None:
    engine = engine_of(at, statement_seconds=60)
    engine.patience = 0.2
    await engine.open()
    began = time.monotonic()
    async with engine.snapshot() as connection:
        await connection.ask(Sql("SELECT 1", (), {}))
        with pytest.raises(UnavailableError):
            await connection.ask(SLEEP)
    assert time.monotonic() - began < 3
    assert await engine.damage() == []
    await engine.close()


@on_postgresql()
async def test_a_lock_that_is_not_to_be_had_fails_those_who_wait_for_it(at: Running) -> None:
    store = Store(engine_of(at, lock_seconds=0.2))
    await store.engine.open()
    with closing(psycopg.connect(url_of(at.path))) as holder:
        holder.execute("SELECT 1 FROM site_heads WHERE site_id = 1 FOR UPDATE")
        with pytest.raises(ExpiredError):
            await store.ledger.submit(1, upsert(email="a@example.com"))
        holder.rollback()
    assert (await store.ledger.submit(1, upsert(email="a@example.com"))).verdict == "created"
    await store.close()


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_what_may_be_gone_at_once_is_tried_once_more(code: str, tmp_path: Path) -> None:
    @on_postgresql()
    async def run(at: Running) -> None:
        await at.upsert(email="a@example.com")
        url = url_of(at.path)
        administer(
            url,
            "CREATE SEQUENCE tries",
            f"""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('tries') % 2 = 1 THEN RAISE EXCEPTION 'bad luck' USING ERRCODE = '{code}'; END IF;
                RETURN NEW; END $$""",
            "CREATE TRIGGER fail BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        assert (await at.record("visit", email="a@example.com")).verdict == "updated"
        administer(url, "ALTER SEQUENCE tries INCREMENT 2 RESTART 1")
        with pytest.raises(UnavailableError):
            await at.record("visit", email="a@example.com")
        assert stored_customers(at.path)[1].lifetime_visits == 1
        assert_replay_gives_the_tables(at.path)

    await run(tmp_path, "postgresql")


# -- several processes ----------------------------------------------------------------------------------------


@on_postgresql()
async def test_everybody_reads_what_anybody_wrote(at: Running) -> None:
    other = await Store.open(url_of(at.path))
    audience = Audience(other.changes)
    for n in range(30):
        writer = (at.store, other)[n % 2]
        await writer.ledger.submit(1, upsert(email=f"u{n}@example.com"))
        async with audience.ask(1, All(())) as answer:
            assert answer.total == n + 1
    await audience.close()
    await other.close()


@on_postgresql()
async def test_two_processes_write_to_one_site_and_nothing_is_lost(at: Running) -> None:
    other = await Store.open(url_of(at.path))
    await asyncio.gather(
        *(
            store.ledger.submit(1, activity("visit", email="a@example.com"))
            for _ in range(50)
            for store in (at.store, other)
        ),
        at.upsert(email="a@example.com"),
    )
    assert stored_customers(at.path)[1].lifetime_visits == 100
    assert_replay_gives_the_tables(at.path)
    await other.close()


@on_postgresql(sites=10)
async def test_sites_commit_side_by_side(at: Running) -> None:
    with closing(psycopg.connect(url_of(at.path))) as holder:
        holder.execute("SELECT 1 FROM site_heads WHERE site_id = 1 FOR UPDATE")
        waiting = asyncio.ensure_future(at.upsert(1, email="a@example.com"))
        await asyncio.gather(*(at.upsert(site, email="a@example.com") for site in range(2, 11)))
        assert not waiting.done()
        holder.rollback()
        assert (await waiting).verdict == "created"


@on_postgresql()
async def test_starting_processes_do_not_race(at: Running) -> None:
    name = urlsplit(url_of(at.path)).path[1:]
    administer(server(), f'CREATE DATABASE "{name}_new" ENCODING UTF8 TEMPLATE template0')
    url = url_of(at.path).replace(name, f"{name}_new")
    stores = await asyncio.gather(*(Store.open(url) for _ in range(5)))
    for store in stores:
        await store.close()
    assert administer(url, "SELECT count(*), count(DISTINCT name) FROM settings") == [(3, 3)]
    administer(server(), f'DROP DATABASE "{name}_new" WITH (FORCE)')


@on_postgresql()
async def test_a_migration_takes_as_long_as_it_takes(at: Running) -> None:
    engine = engine_of(at)
    engine.patience = 0.2
    await engine.open()
    try:
        async with engine.migration() as connection:
            await connection.ask(Sql("SELECT pg_sleep(0.6)", (), {}))
        with pytest.raises(UnavailableError, match="in time"):
            async with engine.transaction() as connection:
                await connection.ask(Sql("SELECT pg_sleep(0.6)", (), {}))
    finally:
        await engine.close()


@on_postgresql()
async def test_a_database_of_somebody_else_s_cannot_be_used(at: Running) -> None:
    administer(url_of(at.path), "ALTER TABLE customers RENAME TO people")
    try:
        with pytest.raises(UnavailableError, match="regulars init"):
            await at.upsert(email="a@example.com")
    finally:
        administer(url_of(at.path), "ALTER TABLE people RENAME TO customers")
    assert (await at.upsert(email="a@example.com")).verdict == "created"


class Said:
    """An error as the server reports it."""

    def __init__(self, code: str, message: str) -> None:
        self.fields = {DiagnosticField.SQLSTATE: code.encode(), DiagnosticField.MESSAGE_PRIMARY: message.encode()}

    def error_field(self, field: DiagnosticField) -> bytes | None:
        return self.fields.get(field)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *(("0A000", LostError), ("25006", LostError), ("57P01", LostError)),
        *(("42501", UnavailableError), ("53100", UnavailableError)),
    ],
)
def test_a_server_that_takes_no_writes_is_left_alone(code: str, kind: type[Exception]) -> None:
    failure = failure_of(Said(code, "cannot set transaction read-write mode during recovery"))  # type: ignore[arg-type]
    assert type(failure) is kind
