"""The plans of PostgreSQL: with the settings of our connections, on tables with and without statistics."""

import re
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from regulars.store.migrations import create_statements
from regulars.store.postgresql.engine import PLANS
from regulars.store.schema import SITE_TABLES
from regulars.store.statement import Statement

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
INSERT INTO changes SELECT s, n, 0, n, n - 1, 1, n, ''
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO outbox SELECT s, n, 0, 0, n, n - 1, 1, n, ''
  FROM generate_series(1, {SITES}) s, generate_series(1, {PEOPLE}) n;
INSERT INTO offer_products SELECT s, n, n FROM generate_series(1, {SITES}) s, generate_series(1, 500) n;
"""

_TABLES = "|".join(table.name for table in SITE_TABLES)
_WHOLE = re.compile(rf"Seq Scan on ({_TABLES})\b")
_ON_SMALL = re.compile(rf" on ({'|'.join(table.name for table in SMALL)})\b| on (deleted_ties|merged_customers)_pkey")
_ONE_COLUMN = re.compile(r"(Index Cond|Recheck Cond): \(site_id = \$\d+\)$")


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


def plan(connection: psycopg.Connection, statement: Statement) -> list[str]:
    """The steps of the plan that is made once for all values."""
    rows = connection.execute(f"EXPLAIN (GENERIC_PLAN, COSTS OFF) {statement.sql('postgresql').text}".encode())
    return [str(line).strip() for (line,) in rows]


READS_ALL_OF_A_SITE = {
    **READS_A_SITE,
    "offer_products_of_site": "all of them are what was asked for",
}


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.name)
def test_no_plan_reads_a_whole_site(statement: Statement, filled: psycopg.Connection) -> None:
    steps = plan(filled, statement)
    assert not any(_WHOLE.search(step) for step in steps), steps
    whole = [number for number, step in enumerate(steps) if _ONE_COLUMN.search(step)]
    whole = [number for number in whole if not _ON_SMALL.search(steps[number - 1])]
    by_end = any(step.endswith("Limit") for step in steps)
    if statement.name not in READS_ALL_OF_A_SITE:
        assert not whole or by_end, f"{statement.name} reads a whole site: {steps}"


@pytest.mark.parametrize(
    "statement", [each for each in ALL if "keys" in each.sql("sqlite").names], ids=lambda statement: statement.name
)
def test_keys_are_looked_up_in_an_index_one_by_one(statement: Statement, filled: psycopg.Connection) -> None:
    steps = plan(filled, statement)
    assert not any("Join Filter" in step or "Hash" in step or "Merge" in step for step in steps), steps
    if not any(step.startswith("SubPlan") for step in steps):
        assert any(step.startswith("Nested Loop") for step in steps)
        keys = next(number for number, step in enumerate(steps) if "Function Scan on json_array_elements" in step)
        look_up = next(number for number, step in enumerate(steps) if re.search(rf"\b({_TABLES})\b", step))
        assert keys < look_up, f"the keys must lead: {steps}"
    conditions = [step for step in steps if step.startswith(("Index Cond", "Recheck Cond"))]
    assert conditions
    assert any("k.value" in condition for condition in conditions), steps
