"""No exported cell is run as a formula, and an import reads back what was exported."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regulars.domain.spreadsheet_safety import guard, unguard

RISKY = "=+-@\t\r\n\0"
_CELLS = st.one_of(st.text(), st.text(alphabet="'=+-@\t\r\n\0＝＋－＠0159.eE ab"))


@given(_CELLS)
@example("'=1")
@example("''+49")
@example("-5")
@example("'-5")
def test_guarding_can_be_undone(cell: str) -> None:
    assert unguard(guard(cell)) == cell


@given(_CELLS)
def test_no_guarded_cell_begins_a_formula(cell: str) -> None:
    shown = guard(cell)
    if shown[:1] in tuple(RISKY):
        float(shown)  # a plain number


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1+cmd|'/c calc'!A0", "-2+3", "@SUM(1)", "\t=1", "'=1"])
def test_formulas_get_an_apostrophe(cell: str) -> None:
    assert guard(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "anna", "'", "O'Neill", "'90s", "-5", "-1.50", "+4915112345678", "1e5"])
def test_what_is_harmless_stays(cell: str) -> None:
    assert guard(cell) == cell
