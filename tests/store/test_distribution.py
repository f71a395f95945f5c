"""Citus: the tables are made for distribution by site, and the SQL that distributes them is right."""

import os

import psycopg
import pytest
from sqlalchemy import UniqueConstraint

from regulars.store.engine import UnavailableError
from regulars.store.migrations import migrate
from regulars.store.postgresql.distribution import distribute, steps
from regulars.store.postgresql.engine import PostgresqlEngine
from regulars.store.schema import SITE_TABLES, metadata

from .running import Running, on_postgresql


def test_every_unique_key_of_a_distributed_table_contains_its_site() -> None:
    for table in SITE_TABLES:
        keys = [table.primary_key, *(each for each in table.constraints if isinstance(each, UniqueConstraint))]
        assert all("site_id" in key.columns for key in keys), table.name
        assert all("site_id" in index.columns for index in table.indexes if index.unique), table.name


def test_every_table_is_distributed_or_referenced_once() -> None:
    assert set(steps()) == set(metadata.tables)
    assert list(steps().values())[:2] == [
        "SELECT create_distributed_table('site_heads', 'site_id')",
        "SELECT create_distributed_table('customers', 'site_id', colocate_with => 'site_heads')",
    ]
    references = {name for name, step in steps().items() if step == f"SELECT create_reference_table('{name}')"}
    assert references == {"settings", "accounts", "sites", "keys", "tokens"} | references
    assert not references & {table.name for table in SITE_TABLES}


@on_postgresql()
async def test_a_server_without_citus_is_left_alone(at: Running) -> None:
    assert isinstance(at.store.engine, PostgresqlEngine)
    with pytest.raises(UnavailableError, match="CREATE EXTENSION citus"):
        await distribute(at.store.engine)


# Reason: Citus is in no package index, so the tests cannot start one. Its SQL is tested as text elsewhere.
@pytest.mark.skipif(
    "REGULARS_TEST_CITUS" not in os.environ,
    reason="Citus comes in no wheel, so it cannot be started here: REGULARS_TEST_CITUS must name a server",
)
async def test_the_tables_are_distributed() -> None:
    url = os.environ["REGULARS_TEST_CITUS"]
    engine = PostgresqlEngine(url)
    await engine.open()
    await migrate(engine)
    await distribute(engine)
    assert await distribute(engine) == []
    await engine.close()
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(DISTINCT colocationid) FROM pg_dist_partition WHERE partmethod = 'h'")
        assert found.fetchone() == (1,)
