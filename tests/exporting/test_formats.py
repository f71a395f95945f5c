"""The formats of exports: whatever the cells hold, a reader gets the same back."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.spreadsheet_safety import guard
from regulars.exporting.formats import Csv
from regulars.exporting.tables import Form

TEXTS = st.one_of(
    st.none(),
    st.text(max_size=5).filter(lambda text: text.isprintable()),
    st.sampled_from(("", "=1+1", "'x", "''-", "+49151", "-5", 'a "b"', "a,b", "a;b", "a\r\nb", "\0=", "＝1", "é")),
)
CELLS = st.one_of(
    TEXTS,
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(TEXTS, max_size=2),
    st.builds(lambda text: msgspec.Raw(msgspec.json.encode({"a": text})), TEXTS),
)
COLUMNS = st.integers(1, 5).flatmap(
    lambda count: st.lists(
        st.one_of(st.lists(TEXTS, min_size=count, max_size=count), st.lists(CELLS, min_size=count, max_size=count)),
        min_size=1,
        max_size=6,
    )
)


class Table:
    """A table whose columns are given."""

    def __init__(self, columns: list[list[Any]]) -> None:
        self.header = [f"column {place}" for place in range(len(columns))]
        self.forms: list[Form] = ["json"] * len(columns)
        self._columns = columns

    def columns(self, items: Sequence[Any]) -> list[list[Any]]:
        return self._columns

    def lines(self, items: Sequence[Any]) -> Iterator[Any]:
        return iter(())


def shown(cell: Any) -> str:
    if cell is None or isinstance(cell, str):
        return guard(cell or "")
    return guard(msgspec.json.encode(cell).decode())


@given(COLUMNS, st.sampled_from(",;"))
def test_csv_gives_every_cell_back(columns: list[list[Any]], delimiter: str) -> None:
    made = Csv(Table(columns), delimiter=delimiter)
    text = (made.head() + made.slice([None]) + made.tail()).decode()
    header, *rows = read(text, delimiter)
    assert header == [f"column {place}" for place in range(len(columns))]
    assert rows == [list(map(shown, row)) for row in zip(*columns, strict=True)]
    assert text.endswith("\r\n")


def read(text: str, delimiter: str) -> Iterable[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
