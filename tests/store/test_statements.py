"""Every statement names its site, and none scans one."""

import importlib
import pkgutil
import re

import apsw
import pytest
from sqlalchemy import Integer, Table, Text, bindparam, column, func, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import Delete, Insert, Select, Update, visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, ClauseElement
from sqlalchemy.sql.operators import eq

from regulars import store
from regulars.domain.objects import OWN_NUMBERS
from regulars.store import change_statements, statements
from regulars.store.change_statements import PACKED_OBJECT_END
from regulars.store.schema import (
    SITE_TABLES,
    customers,
    deleted_ties,
    merged_customers,
    metadata,
    relations,
    site_heads,
)
from regulars.store.statement import DIALECTS, Statement, site_is

for _module in pkgutil.iter_modules(store.__path__):
    importlib.import_module(f"regulars.store.{_module.name}")
ALL = list(Statement.all.values())

SMALL = (site_heads, deleted_ties, merged_customers)
"""Tables with one row a site, with the few rows of what is under way, or of which it is asked whether there is any."""

READS_A_SITE = {
    **{
        f"objects_{how}_{order}": "a span of a kind's objects, from an index; on a thread where it may be long"
        for how in ("by", "titled_by")
        for order in ("id", "descending_id", "title", "descending_title")
    },
    **{
        f"objects_by_{order}_at": "the objects of a kind are sorted, on a thread where there are many"
        for order in ("created", "descending_created", "updated", "descending_updated")
    },
    "old_import_changes": "the imports of a site, of which there are few, in a job",
    "old_merges": "the merges of a site, in a job",
    "pending_erasures": "the erasures of a site, of which there are few, in a job",
    "imports_of_origin": "the imports of a site, of which there are few, in a job",
    "old_duplicates": "the pairs that a job found, in that job",
    "titles_present": "a count, for a backfill and a check, on a thread",
    "object_counts_of_site": "one row a kind",
    "forget_counts": "one row a kind",
    "count_notes": "a count, on a thread",
    "count_all_purchases": "a count, on a thread, from indexes; afterwards it follows the changes of the site",
    "lost_drip_plans": "for a check of a whole site, on a thread",
    "lost_pending_mails": "the same",
    "lost_visitors": "the same",
    "lost_revenues": "the same",
    "lost_audiences": "the same",
    "watched_audiences": "the few audiences that are watched, from an index of these",
    "audience_graph": "the few audiences that refer to others, from an index of these",
}
"""Statements that may search with the site (and kind) alone, and why."""

READS_AN_END = {
    "object_count": "one row: site and kind are its whole key",
    **{
        f"last_of_{table.name}": "the last row of a site, where a copy goes on"
        for table in SITE_TABLES
        if table not in SMALL
    },
    "last_customer": "max() of the last column of a key: SQLite reads one row, at the end of the site",
    "last_event": "the same",
    "oldest_of_changes": "min() of the same, at the beginning of the site",
    "oldest_of_outbox": "the same",
    "last_tied": "max() of the next column of a key, which is the end of the site too",
    "numbers": "the same, for a check of a whole site",
    "latest_activities": "the newest rows, as many as are asked for, from the end of the site",
    "newest_import": "the same",
    "last_audit_hash": "the same",
    "newest_merge": "the same",
    "any_revenue": "the first row of a site, whichever it is",
    "any_former_address": "the same",
    "any_tombstone": "the same",
}
"""Statements whose plan looks the same, but which read the last row of a site; and why."""


def tables_of(clause: ClauseElement) -> list[Table]:
    """The tables of customers that a statement touches."""
    return [item for item in visitors.iterate(clause) if isinstance(item, Table) and item in SITE_TABLES]


def sites_named(clause: ClauseElement) -> set[Table]:
    """The tables whose site_id is compared with the parameter `site`, anywhere in the statement."""
    found = set()
    for item in visitors.iterate(clause):
        if isinstance(item, BinaryExpression) and item.operator is eq:
            left, right = item.left, item.right
            if getattr(left, "name", "") == "site_id" and isinstance(right, BindParameter) and right.key == "site":
                found.add(left.table)
    return found


def is_of_one_site(clause: ClauseElement) -> bool:
    """Whether each table of customers in the statement is held to the site; a row that is inserted brings its own."""
    if isinstance(clause, Insert):
        return "site_id" in clause.table.c and "site_id" in str(clause.compile(dialect=DIALECTS["sqlite"]))
    return set(tables_of(clause)) <= sites_named(clause)


def test_each_statement_on_customers_names_its_site(subtests: pytest.Subtests) -> None:
    for statement in ALL:
        with subtests.test(statement.name):
            if tables_of(statement.clause):
                assert is_of_one_site(statement.clause), (
                    f"{statement.name} reads or writes a table of customers without site_is(table): it would reach "
                    "other accounts' rows, and could not be distributed by site"
                )


def test_a_statement_that_forgets_its_site_is_caught() -> None:
    assert not is_of_one_site(select(customers.c.number))
    assert not is_of_one_site(select(customers.c.number).where(customers.c.number == bindparam("site")))
    joined = select(customers.c.number).join(relations, relations.c.customer == customers.c.number)
    assert not is_of_one_site(joined.where(site_is(customers)))
    assert is_of_one_site(joined.where(site_is(customers), site_is(relations)))


def test_all_statements_are_here() -> None:
    named = {**vars(statements), **vars(change_statements)}
    listed = {value.name for value in named.values() if isinstance(value, Statement)}
    assert listed <= set(Statement.all)
    assert len({id(statement) for statement in ALL}) == len(ALL) > 50
    touched = {table for statement in ALL for table in tables_of(statement.clause)}
    touched |= {statement.clause.table for statement in ALL if isinstance(statement.clause, Insert)}  # type: ignore[misc]
    assert set(SITE_TABLES) <= touched


# -- plans ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> apsw.Connection:
    """The tables without a row, so without statistics: what the planner sees in a young database."""
    connection = apsw.Connection(str(tmp_path_factory.mktemp("plans") / "plans.db"))
    for table in metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=DIALECTS["sqlite"]))).fetchall()
        for index in table.indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=DIALECTS["sqlite"]))).fetchall()
    return connection


def plan(connection: apsw.Connection, text: str) -> list[str]:
    """The steps of a statement's plan, in SQLite's words."""
    count = text.count("?")
    rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * count).fetchall()
    return [str(row[3]) for row in rows]


_SITE_TABLE = "|".join(table.name for table in SITE_TABLES)
_SCAN = re.compile(rf"SCAN ({_SITE_TABLE})\b")
_WHOLE_SITE = re.compile(rf"SEARCH ({_SITE_TABLE}) USING .*\((site_id=\?)( AND kind=\?)?\)$")


def whole_sites(steps: list[str]) -> list[str]:
    """The steps that read all of a site, or of all sites."""
    small = tuple(f"SEARCH {table.name} USING" for table in SMALL)
    return [step for step in steps if (_SCAN.search(step) or _WHOLE_SITE.search(step)) and not step.startswith(small)]


def test_no_plan_reads_a_whole_site(empty: apsw.Connection, subtests: pytest.Subtests) -> None:
    for statement in ALL:
        with subtests.test(statement.name):
            steps = plan(empty, statement.sql("sqlite").text)
            found = whole_sites(steps)
            if statement.name in READS_A_SITE | READS_AN_END:
                assert found, f"{statement.name} reads no site any more: take it off the list"
            else:
                assert not found, (
                    f"{statement.name} would read every customer of a site: {found}; write it as a KeyedJoin"
                )


def test_the_obvious_look_up_of_many_keys_is_caught(empty: apsw.Connection) -> None:
    keys = func.json_each(bindparam("keys", type_=Text)).table_valued(column("value"), name="k")
    naive = select(customers.c.number).where(site_is(customers), customers.c.email_key.in_(select(keys.c.value)))
    assert whole_sites(plan(empty, str(naive.compile(dialect=DIALECTS["sqlite"]))))
    listed = select(customers.c.number).where(
        site_is(customers),
        customers.c.email_key.in_([bindparam(f"k{n}", type_=Text) for n in range(16)]),
    )
    assert whole_sites(plan(empty, str(listed.compile(dialect=DIALECTS["sqlite"]))))
    assert whole_sites(["SCAN customers"])
    assert not whole_sites(plan(empty, statements.PEOPLE_BY_EMAIL.sql("sqlite").text))


def test_keys_are_looked_up_in_an_index_one_by_one(empty: apsw.Connection, subtests: pytest.Subtests) -> None:
    for statement in (each for each in ALL if "keys" in each.sql("sqlite").names):
        with subtests.test(statement.name):
            steps = plan(empty, statement.sql("sqlite").text)
            assert steps[0].startswith("SCAN k VIRTUAL TABLE"), f"the keys must lead: {steps}"
            assert not any("AUTOMATIC" in step or "BLOOM" in step for step in steps), steps


# -- dialects -------------------------------------------------------------------------------------------------


def test_statements_are_written_for_postgresql_too(subtests: pytest.Subtests) -> None:
    for statement in ALL:
        with subtests.test(statement.name):
            sql = statement.sql("postgresql")
            assert set(re.findall(r"\$(\d+)", sql.text)) == {str(place) for place in range(1, len(sql.names) + 1)}
            assert "?" not in sql.text
            others = {name for name in statement.sql("sqlite").names if not name.startswith("param_")}
            assert set(sql.names) == others, "but for the OFFSET of SQLite's LIMIT"
            if isinstance(statement.clause, Insert | Update | Delete):
                # Rows are given by position, in the same order whatever the engine.
                assert sql.names == tuple(dict.fromkeys(statement.sql("sqlite").names))
                assert isinstance(statement.clause, Insert) or " WHERE " in sql.text


def test_the_tables_are_written_for_postgresql_too() -> None:
    dialect = DIALECTS["postgresql"]
    assert isinstance(dialect, postgresql.dialect)
    created = {table.name: str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables}
    for table in SITE_TABLES:
        assert "site_id INTEGER" in created[table.name]
        assert "ROWID" not in created[table.name]
        assert next(iter(table.primary_key.columns)).name == "site_id"
        for index in table.indexes:
            assert next(iter(index.columns)).name == "site_id"
    assert "fillfactor" in created["site_heads"]


def test_constants_need_no_argument() -> None:
    statement = Statement("constant", select(literal_column("1"), bindparam("a", type_=Integer), bindparam("b", 5)))
    try:
        assert isinstance(statement.clause, Select)
        assert statement.sql("sqlite").arguments({"a": 3}) == (3, 5)
        assert statement.sql("sqlite") is statement.sql("sqlite")
        with pytest.raises(AssertionError):
            Statement("constant", statement.clause)
    finally:
        del Statement.all["constant"]


def test_ties_to_objects_that_we_number_can_be_read_packed() -> None:
    assert OWN_NUMBERS.stop <= PACKED_OBJECT_END
