"""The plans of PostgreSQL: with the settings of our connections, on tables with and without statistics."""

import re
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy.sql import Insert

from regulars.store.migrations import create_statements
from regulars.store.postgresql.engine import PostgresqlEngine
from regulars.store.postgresql.plans import PLANS
from regulars.store.schema import SITE_TABLES
from regulars.store.statement import Statement
from regulars.store.store import Store

from ..coroutines import run
from ..databases import drop_database, new_database, url_of
from .test_statements import ALL, READS_A_SITE, SMALL

pytestmark = pytest.mark.xdist_group("plans")  # they share what takes seconds to make

SITES, PEOPLE = 3, 4_000

_FILL = f"""
INSERT INTO site_heads SELECT s, 1, 1, 0, 1, 1, 1, 1 FROM generate_series(1, {SITES}) s;
INSERT INTO customers (site_id, number, uuid, created_at, updated_at, bucket, email, email_key, customer_id,
    net_revenue, lifetime_revenue, lifetime_orders, lifetime_visits)
  SELECT s, n, decode(md5(s || '/' || n), 'hex'), n, n, n % 100, 'u' || n || '@x.com', 'u' || n || '@x.com', 'c' || n,
    0, 0, 0, 0 FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO relations SELECT s, n, r, n % 50, 1, n
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n, generate_series(8, 30, 6) r;
INSERT INTO objects SELECT s, k, n, 'k' || n, 'n' || n, 'n' || n, NULL, n, n, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, 9) k, generate_series(1, 300) n;
INSERT INTO object_titles SELECT s, k, n, 'n' || n
  FROM generate_series(1, {SITES}) s, generate_series(1, 9) k, generate_series(1, 300) n;
INSERT INTO object_counts SELECT s, k, 300 FROM generate_series(1, {SITES}) s, generate_series(1, 9) k;
INSERT INTO logs SELECT s, n, decode(md5(s || 'l' || n), 'hex'), NULL, n, 'u' || n || '@x.com', NULL, NULL, n, 1, n, '',
    NULL, NULL, NULL, 0, 0 FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO activities (site_id, number, customer, name, at, uuid, order_id, log)
  SELECT s, n, n, 'purchase', n, decode(md5(s || 'a' || n), 'hex'), 'o' || n, n
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO consents (site_id, customer, number, at, granted, source)
  SELECT s, n, n, n, 1, 'api' FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO notes SELECT s, n, n, '', n, n, NULL, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO former_addresses SELECT s, 'f' || n || '@x.com', n, 0, NULL, n
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO tombstones SELECT s, decode(md5(s || 't' || n), 'hex'), n, NULL, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO drip_campaigns SELECT s, n, 1, NULL, '[]' FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO audiences SELECT s, n, 'dynamic', '{{}}', CASE n % 100 WHEN 0 THEN '[1]' END, 0, 1, 0, 0, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO audience_watches SELECT s, n, 1, 1, 1, 1, 1, 1, 1
  FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO audience_members SELECT s, n, p, '' FROM generate_series(1, {SITES}) s, generate_series(1, 300) n,
  generate_series(0, 9) p;
INSERT INTO audience_points SELECT s, n, d, 1, 1, 1, NULL, NULL FROM generate_series(1, {SITES}) s,
  generate_series(1, 300) n, generate_series(1, 20) d;
INSERT INTO pending_mails
  SELECT s, n, n % 300, 1, n, 'u' || n || '@x.com', 'u' || n || '@x.com', NULL, 1, n, n, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO visitors SELECT s, decode(md5(s || 'v' || n), 'hex'), n, n
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO anonymous_events
  SELECT s, n, decode(md5(s || 'c' || n), 'hex'), decode(md5(s || 'd' || n), 'hex'), n, n, decode(md5(s || 'u' || n),
    'hex'), 0, '{{}}' FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO imports SELECT s, n, 'customers', 'people.csv', 'command line', 'done', '{{}}', NULL, n, n, n, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO import_changes SELECT s, n % 300, n, n, n, n, 0, 1, NULLIF(n % 3, 0), ''
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO merges SELECT s, n, n, n + 2000, 'newest', n, NULL, n, n, ''
  FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO duplicates SELECT s, n, n + 2000, 80, 1, n FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO duplicate_dismissals SELECT s, n, n + 3000, n
  FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO merged_customers SELECT s, n, n + 2000 FROM generate_series(1, {SITES}) s, generate_series(1, 300) n;
INSERT INTO consent_requests SELECT s, n, n, 1, n, n, NULLIF(n % 3, 0), '', 1, NULL, NULL
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO changes SELECT s, n, 0, n, n - 1, 1, n, ''
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO outbox SELECT s, n, 0, 0, n, n - 1, 1, n, ''
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO offer_products SELECT s, n, n FROM generate_series(1, {SITES}) s, generate_series(1, 500) n;
"""

_TABLES = "|".join(table.name for table in SITE_TABLES)
_WHOLE = re.compile(rf"Seq Scan on ({_TABLES})\b")
_ON_SMALL = re.compile(rf" on ({'|'.join(table.name for table in SMALL)})\b| on (deleted_ties|merged_customers)_pkey")
_ONE_COLUMN = re.compile(r"(Index Cond|Recheck Cond): \(site_id = \$?\d+\)$")


@pytest.fixture(scope="module", params=["never analysed", "analysed"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    path = new_database(tmp_path_factory.mktemp("plans"), "postgresql")
    with closing(psycopg.connect(url_of(path), autocommit=True)) as connection:
        for step in create_statements("postgresql"):
            connection.execute(step.encode())
        for table in SITE_TABLES:
            connection.execute(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)".encode())
        connection.execute(_FILL.encode())
        if request.param == "analysed":
            connection.execute("ANALYZE")
        for name, value in PLANS.items():
            connection.execute(f"SET {name} = {value}".encode())
        yield connection
    drop_database(path)


@pytest.fixture(scope="module", params=["new", "upgraded"])
def unknown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A database with statistics of all its sites but the last, which was filled after the last ANALYZE."""
    path = new_database(tmp_path_factory.mktemp("plans"), "postgresql")
    few = _FILL.replace(f"(1, {PEOPLE})", "(1, 1000)")
    known, last = (few.replace(f"(1, {SITES}) s", f"({n}) s") for n in (f"1, {SITES - 1}", f"{SITES}, {SITES}"))
    with closing(psycopg.connect(url_of(path), autocommit=True)) as connection:
        if request.param == "new":
            run(_migrated(url_of(path)))
            connection.execute(known.encode())
        else:  # its statistics are from before they were forbidden
            for step in create_statements("postgresql"):
                connection.execute(step.encode())
            connection.execute(known.encode())
            connection.execute("ANALYZE")
            run(_held(url_of(path)))
        connection.execute("ANALYZE")
        connection.execute(last.encode())
        connection.prepare_threshold = None
        for name, value in PLANS.items():
            connection.execute(f"SET {name} = {value}".encode())
        if request.param == "new":  # as the workers of Citus plan; elsewhere plans are made for all sites
            connection.execute("SET plan_cache_mode = force_custom_plan")
        yield connection
    drop_database(path)


async def _migrated(url: str) -> None:
    await (await Store.open(url)).close()


async def _held(url: str) -> None:
    engine = PostgresqlEngine(url)
    await engine.open()
    tables = [table.name for table in SITE_TABLES]
    try:
        async with engine.migration() as connection:
            assert await connection.hold_plans(tables)
        async with engine.migration() as connection:
            assert not await connection.hold_plans(tables)
    finally:
        await engine.close()


def plan_for(connection: psycopg.Connection, statement: Statement, site: int) -> list[str]:
    """The steps of the plan for one site."""
    sql = statement.sql("postgresql")
    connection.execute(f"PREPARE planned AS {sql.text}".encode())
    (types,) = connection.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'planned'"
    ).fetchone() or ((),)
    values = [
        str(site) if name == "site" else "'[]'" if name == "keys" else r"'\x31'" if type_ == "bytea" else "'1'"
        for name, type_ in zip(sql.names, types, strict=True)
    ]
    arguments = f"({', '.join(values)})" if values else ""
    rows = connection.execute(f"EXPLAIN (COSTS OFF) EXECUTE planned{arguments}".encode()).fetchall()
    connection.execute("DEALLOCATE planned")
    return [str(line).strip() for (line,) in rows]


def test_no_statistics_mislead_a_plan(unknown: psycopg.Connection) -> None:
    wrong = {}
    for statement in ALL:
        if isinstance(statement.clause, Insert) or statement.name in READS_ALL_OF_A_SITE:
            continue
        steps = plan_for(unknown, statement, SITES)
        if any(_WHOLE.search(step) for step in steps) or _reads_by_site_alone(steps):
            wrong[statement.name] = steps
    assert not wrong


def test_site_has_no_statistics(unknown: psycopg.Connection) -> None:
    found = unknown.execute(
        "SELECT relname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname = 'site_id' "
        "AND attstattarget = 0 AND relkind = 'r'"
    )
    assert {name for (name,) in found} == {table.name for table in SITE_TABLES}


def plan(connection: psycopg.Connection, statement: Statement) -> list[str]:
    """The steps of the plan that is made once for all values."""
    rows = connection.execute(f"EXPLAIN (GENERIC_PLAN, COSTS OFF) {statement.sql('postgresql').text}".encode())
    return [str(line).strip() for (line,) in rows]


READS_ALL_OF_A_SITE = {
    **READS_A_SITE,
    "offer_products_of_site": "all of them are what was asked for",
    "count_transactions_after": "the newest events are counted, from the end of an index of sales; on a thread",
}


def test_no_plan_reads_a_whole_site(filled: psycopg.Connection, subtests: pytest.Subtests) -> None:
    for statement in ALL:
        with subtests.test(statement.name):
            steps = plan(filled, statement)
            assert not any(_WHOLE.search(step) for step in steps), steps
            if statement.name not in READS_ALL_OF_A_SITE:
                assert not _reads_by_site_alone(steps), f"{statement.name} reads a whole site: {steps}"


def _reads_by_site_alone(steps: list[str]) -> bool:
    """Whether a plan reads all rows of a site from an index, not only the first or last few."""
    whole = [number for number, step in enumerate(steps) if _ONE_COLUMN.search(step)]
    whole = [number for number in whole if not _ON_SMALL.search(steps[number - 1])]
    return bool(whole) and not any(step.endswith("Limit") for step in steps)


def test_keys_are_looked_up_in_an_index_one_by_one(filled: psycopg.Connection, subtests: pytest.Subtests) -> None:
    for statement in (each for each in ALL if "keys" in each.sql("sqlite").names):
        with subtests.test(statement.name):
            steps = plan(filled, statement)
            assert not any("Join Filter" in step or "Hash" in step or "Merge" in step for step in steps), steps
            if not any(step.startswith("SubPlan") for step in steps):
                assert any("Nested Loop" in step for step in steps), steps
                keys = next(
                    number for number, step in enumerate(steps) if "Function Scan on json_array_elements" in step
                )
                look_up = next(number for number, step in enumerate(steps) if re.search(rf"\b({_TABLES})\b", step))
                assert keys < look_up, f"the keys must lead: {steps}"
            conditions = [step for step in steps if step.startswith(("Index Cond", "Recheck Cond"))]
            assert conditions
            assert any("k.value" in condition for condition in conditions), steps
