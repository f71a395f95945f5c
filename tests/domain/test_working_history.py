"""The history of a transaction: rows by customer, and what a deletion takes with it."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from regulars.domain.consent import Consent
from regulars.domain.working.history import ActivityRow, History, Rows


class Row(Struct):
    customer: int
    kept: bool


_steps = st.lists(
    st.one_of(
        st.builds(Row, st.integers(1, 3), st.booleans()),
        st.tuples(st.just("drop"), st.integers(1, 3)),
        st.tuples(st.just("cut"), st.integers(0, 8)),
    )
)


@given(_steps)
def test_rows_are_what_a_list_would_hold(steps: list[Row | tuple[str, int]]) -> None:
    rows: Rows[Row] = Rows()
    model: list[Row] = []
    for step in steps:
        if isinstance(step, Row):
            rows.append(step)
            model.append(step)
        elif step[0] == "drop":
            kept = rows.drop(step[1], keep=lambda row: row.kept)
            assert kept == [row for row in model if row.customer == step[1] and row.kept]
            model = [row for row in model if row.customer != step[1] or row.kept]
        else:
            rows.cut(step[1])
            del model[step[1] :]
        assert (len(rows), list(rows)) == (len(model), model)


class Looked:
    """A row that counts how often it is looked at."""

    looks = 0

    def __init__(self, customer: int) -> None:
        self._customer = customer

    @property
    def customer(self) -> int:
        Looked.looks += 1
        return self._customer


def test_many_deletions_look_at_each_row_once() -> None:
    rows: Rows[Looked] = Rows()
    for customer in range(1_000):
        rows.append(Looked(customer))
    for customer in range(1_000):
        rows.drop(customer)
    assert (len(rows), Looked.looks) == (0, 1_000)


def test_a_deleted_customer_takes_its_own_history_along_and_leaves_its_mails() -> None:
    history = History()
    for customer in (1, 2):
        history.see(bytes([customer]), customer)
        history.see(bytes([10 + customer]), None)
        history.activities.append(ActivityRow(customer, customer, "visit", 0, None, None, None, "x"))
        history.activities.append(ActivityRow(10 + customer, customer, "opened", 0, None, None, 5, "x"))
        history.consents.append(Consent(customer, 0, True, "form", "", None, None))
    history.forget(1)
    assert [(row.number, row.detail) for row in history.activities] == [(11, None), (2, "x"), (12, "x")]
    assert history.seen_uuids == {b"\x02": 2, b"\x0b": None, b"\x0c": None}
    assert [each.customer for each in history.consents] == [2]
