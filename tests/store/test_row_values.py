"""Inserts of many rows: what they write is what a statement for each row writes, on every engine."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.sql import Insert

from regulars.store.postgresql.row_values import MOST_PARAMETERS, RowValues, row_values
from regulars.store.statements import INSERT_CUSTOMERS
from regulars.store.tie_statements import SAVE_TIES

from .running import Running, with_store
from .test_statements import ALL

INSERTS = [each for each in ALL if isinstance(each.clause, Insert)]


def forms(text: str) -> RowValues:
    found = row_values(text)
    assert found is not None, text
    return found


def test_every_insert_that_returns_nothing_has_forms_with_many_rows() -> None:
    without = {each.name for each in INSERTS if row_values(each.sql("postgresql").text) is None}
    returning = {each.name for each in INSERTS if "RETURNING" in each.sql("postgresql").text}
    assert without == returning | {"count_sign_in_failure"}, "its update takes parameters, too; it writes one row"


@pytest.mark.parametrize("statement", INSERTS, ids=lambda statement: statement.name)
def test_no_form_has_too_many_parameters(statement) -> None:  # type: ignore[no-untyped-def]
    found = row_values(statement.sql("postgresql").text)
    if found is not None:
        width = len(statement.sql("postgresql").names)
        assert width <= found.largest * width <= MOST_PARAMETERS


def test_the_forms_are_those_of_powers_of_two() -> None:
    rows = [(n, n, n, n, n, n) for n in range(200)]
    sent = list(forms(SAVE_TIES.sql("postgresql").text).statements(rows))
    assert [len(arguments) // 6 for _, arguments in sent] == [128, 64, 8]
    assert [value for _, arguments in sent for value in arguments[::6]] == list(range(200))
    (form, arguments) = sent[-1]
    assert form.text.count("(") == SAVE_TIES.sql("postgresql").text.count("(") + 7
    assert re.findall(r"\$(\d+)", form.text) == [str(n) for n in range(1, 49)]
    assert len(arguments) == 48
    assert form.text.endswith(SAVE_TIES.sql("postgresql").text[-60:])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=20))
def test_no_statement_names_a_key_twice_where_it_updates(pairs: list[tuple[int, int]]) -> None:
    rows = [(1, customer, 8, 1, holds, 0) for customer, holds in pairs]
    sent = list(forms(SAVE_TIES.sql("postgresql").text).statements(rows))
    assert [value for _, arguments in sent for value in arguments] == [value for row in rows for value in row]
    for _, arguments in sent:
        keys = arguments[1::6]
        assert len(set(keys)) == len(keys)


def test_other_statements_have_no_such_forms() -> None:
    assert row_values("UPDATE sites SET title = $1") is None
    assert row_values("INSERT INTO sites (a, b) VALUES ($1, 'x')") is None
    assert row_values("INSERT INTO sites (a, b) VALUES ($1, $1)") is None
    assert row_values("INSERT INTO sites (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = $2") is None
    assert row_values("INSERT INTO sites (a) VALUES ($1) RETURNING id") is None


@with_store()
async def test_many_rows_are_written_as_one_by_one(at: Running) -> None:
    rows = [(1, n % 1_000, 8, 1, int(n % 7 == 0), n) for n in range(1_500)]
    async with at.store.engine.transaction() as connection:
        await connection.many(SAVE_TIES, rows)
    expected = {row[1]: row[4:] for row in rows}
    stored = at.rows("SELECT customer, holds, at FROM relations WHERE site_id = 1")
    assert {customer: (holds, moment) for customer, holds, moment in stored} == expected


def test_wide_rows_go_a_few_at_a_time() -> None:
    width = len(INSERT_CUSTOMERS.sql("postgresql").names)
    found = forms(INSERT_CUSTOMERS.sql("postgresql").text)
    assert 8 <= found.largest <= MOST_PARAMETERS // width
