"""Plans that no statistics can mislead: every look-up uses the index that has its key, whatever the sites have.

Every index of a customer table begins with site_id. If statistics say that a site has no rows, because it was filled
after the last ANALYZE or is not among the most common sites, all indexes look equally good, and the planner may choose
one that reads the whole site for each key. So `site_id` has no statistics. The planner then expects an average share of
the table for every site, which makes the index with more columns the cheaper one.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from regulars.store.engine import UnavailableError
from regulars.store.statement import Sql

if TYPE_CHECKING:
    from regulars.store.postgresql.connection import PostgresqlConnection

_ON_WORKERS: Final = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}
PLANS: Final = {
    # Every statement must use an index, even on a table that is still small: a plan is made once per connection, and
    # must not scan a whole site after the table has grown.
    "plan_cache_mode": "force_generic_plan",
    **_ON_WORKERS,
}
CITUS_PLANS: Final = {"plan_cache_mode": "force_custom_plan"}
"""The shard of a statement depends on its values, and Citus can plan only the simplest statements without them."""
CITUS: Final = Sql("SELECT 1 FROM pg_extension WHERE extname = 'citus'", (), {})

_DISTRIBUTED: Final = Sql("SELECT logicalrelid::regclass::text FROM pg_dist_partition WHERE partmethod = 'h'", (), {})
_ROLE: Final = Sql(
    "SELECT quote_ident(datname), coalesce((SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid "
    "AND setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)), '{}') "
    "FROM pg_database d WHERE datname = current_database()",
    (),
    {},
)


async def hold_plans(connection: "PostgresqlConnection", tables: Iterable[str]) -> bool:
    """Remove the statistics of `site_id` from tables, and forbid new ones; returns whether anything was changed.

    On Citus, also give the planner's settings to the role, which hands them to all workers.
    """
    names = ", ".join(f"'{name}'" for name in tables)
    wanting, citus = await connection.ask(Sql(_wanting(names), (), {}), CITUS)
    distributed: set[str] = set()
    changed = False
    if citus:
        found, ((database, settings),) = await connection.ask(_DISTRIBUTED, _ROLE)
        distributed = {name for (name,) in found}
        missing = [name for name, value in _ON_WORKERS.items() if f"{name}={value}" not in settings]
        for name in missing if distributed else ():
            changed = True
            await connection.script(f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET {name} = {_ON_WORKERS[name]}")
    for name, has_statistics in wanting:
        await (_hold_shards(connection, name) if name in distributed else _hold(connection, name, has_statistics))
    return changed or bool(wanting)


def _wanting(names: str) -> str:
    """Those of the tables whose site_id may have statistics, and whether it has."""
    return (
        "SELECT relname::text, EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = current_schema() "  # noqa: S608
        "AND s.tablename = relname AND s.attname = attr.attname) "
        "FROM pg_attribute attr JOIN pg_class c ON c.oid = attrelid "
        "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attname = 'site_id' "
        f"AND attstattarget IS DISTINCT FROM 0 AND relname IN ({names})"
    )


async def _hold(connection: "PostgresqlConnection", table: str, has_statistics: bool) -> None:
    """Existing statistics stay when they are forbidden, so they are replaced by harmless ones: all rows are one site's.

    Only a superuser may delete them, or an owner who rebuilds indexes.
    """
    column = f"ALTER TABLE {table} ALTER COLUMN site_id"
    if has_statistics:
        await connection.script(f"{column} SET (n_distinct = 1)")
        await connection.script(f"ANALYZE {table} (site_id)")
        await connection.script(f"{column} RESET (n_distinct)")
    await connection.script(f"{column} SET STATISTICS 0")


async def _hold_shards(connection: "PostgresqlConnection", table: str) -> None:
    """The same for a table that is distributed already. Setting a column's type removes its statistics.

    Citus does not pass the command on, but it creates shards on other machines as the coordinator's table is.
    """
    held = "ALTER COLUMN site_id SET STATISTICS 0"
    await connection.script("SET LOCAL citus.enable_ddl_propagation = off")
    await connection.script(f"ALTER TABLE {table} {held}")
    await connection.script("SET LOCAL citus.enable_ddl_propagation = on")
    on_shard = f"ALTER TABLE %s {held}, ALTER COLUMN site_id TYPE INTEGER"
    (failed,) = await connection.ask(
        Sql(f"SELECT result FROM run_command_on_shards('{table}', '{on_shard}') WHERE NOT success", (), {})  # noqa: S608
    )
    if failed:
        raise UnavailableError(f"the statistics of {table} cannot be removed from its shards: {failed[0][0]}")
