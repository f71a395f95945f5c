"""Citus: distributes the customer tables over machines by site and replicates the small tables to each machine."""

from typing import Final

from regulars.store.engine import UnavailableError
from regulars.store.postgresql.engine import PostgresqlEngine
from regulars.store.postgresql.plans import CITUS
from regulars.store.schema import SITE_TABLES, metadata, site_heads
from regulars.store.statement import Sql

_DISTRIBUTED: Final = Sql("SELECT logicalrelid::regclass::text FROM pg_dist_partition", (), {})


def steps() -> dict[str, str]:
    """The SQL that distributes each table, in order, by table name.

    All tables are colocated, so the rows of one site are on one machine in every table. Every ledger transaction and
    every statement names its site and therefore runs on one machine.
    """
    first = f"SELECT create_distributed_table('{site_heads.name}', 'site_id')"
    others = {
        table.name: f"SELECT create_distributed_table('{table.name}', 'site_id', colocate_with => '{site_heads.name}')"
        for table in SITE_TABLES
        if table is not site_heads
    }
    small = {
        table.name: f"SELECT create_reference_table('{table.name}')"
        for table in metadata.sorted_tables
        if table not in SITE_TABLES
    }
    return {site_heads.name: first, **others, **small}


async def distribute(engine: PostgresqlEngine) -> list[str]:
    """Distribute the tables that are not distributed yet, with their rows; returns their names.

    Raises UnavailableError if the database has no Citus.
    """
    async with engine.migration() as connection:
        (extension,) = await connection.ask(CITUS)
        if not extension:
            raise UnavailableError("the database has no Citus: an administrator has to run CREATE EXTENSION citus")
        (done,) = await connection.ask(_DISTRIBUTED)
        missing = {name: step for name, step in steps().items() if (name,) not in done}
        for step in missing.values():
            await connection.script(step)
    async with engine.migration() as connection:
        await connection.hold_plans([table.name for table in SITE_TABLES])
    return list(missing)
