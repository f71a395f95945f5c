"""Blocks of cells that are found by their positions: a table is recognised as if `csv` had read all of it."""

import csv
import io
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.importing.columns import recognition
from regulars.importing.columns.mapping import TableColumn
from regulars.importing.columns.recognition import _Survey
from regulars.importing.inputs import open_input
from regulars.importing.reading import blocks, tables
from regulars.importing.reading.blocks import CellBlock, lines_not_taken
from regulars.importing.reading.delimited import plain_cells

HEADER = ["email", "name", "tags", "joined", "subscribed"]
_plain = st.sampled_from(["", " ", "a", "ä", "vip", "x y", "2024-01-02", "yes", "no", "NULL"])
_odd = st.sampled_from(['"', "a,b", 'say "x"', "two\nlines", "\r", "\x00", "\udc80"])
_row = st.lists(st.one_of(_plain, _plain, _plain, _odd), min_size=5, max_size=5)
_rows = st.lists(st.one_of(st.lists(_plain, min_size=5, max_size=5), _row, st.just(HEADER), st.just([""] * 5)))


def recognised(path: Path, *, by_blocks: bool) -> Any:
    """What is understood of a file, with blocks or without."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(recognition, "_LOOKED_AT", 3))
        stack.enter_context(patch.object(tables, "CHUNK", 2))
        stack.enter_context(patch.object(blocks, "_SIZE", 64))
        if not by_blocks:
            stack.enter_context(patch.object(blocks, "_cell_block", lambda *_: None))
        (understood,) = stack.enter_context(open_input(str(path))).parts
        mapping = understood.mapping
        assert mapping is not None
        return mapping.records, [_found(each) for each in mapping.columns]


def _found(column: TableColumn) -> Any:
    order = None if column.date is None else (column.date.order, column.date.example)
    # Which values are shown depends on the order in which they are seen: a block is before the records read ahead.
    return column.name, column.filled, column.target, len(column.samples), column.separator, order


@given(rows=_rows, end=st.sampled_from(["\n", "\r\n"]), encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]))
def test_a_table_is_recognised_as_if_all_were_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "people.csv"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerows(
        [HEADER, *([f"p{place}@example.com", "P", "vip", "2024-01-02", "yes"] for place in range(5)), *rows]
    )
    errors = "surrogateescape" if encoding != "cp1252" else "replace"
    path.write_bytes(text.getvalue().encode(encoding, errors))
    assert recognised(path, by_blocks=True) == recognised(path, by_blocks=False)


def test_a_repeated_header_and_blank_records_are_none(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = [[f"p{place}@example.com", "P", "vip", "2024-01-02", "yes"] for place in range(40)]
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows, HEADER, [""] * 5, *rows])
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    took: list[bool] = []

    def take(survey: _Survey, block: CellBlock) -> bool:
        took.append(original(survey, block))
        return took[-1]

    original = _Survey.take
    with patch.object(_Survey, "take", take):
        assert recognised(path, by_blocks=True)[0] == 80
    assert any(took)


def test_blocks_are_taken_once_enough_was_looked_at() -> None:
    taken: list[CellBlock] = []

    def take(block: CellBlock) -> bool:
        taken.append(block)
        return len(taken) % 2 == 0

    text = b"a,b\r\n" + b"1,\r\n" * 100 + b'"x\ny",2\r\n' + b",\r\n" + b"ae,\xc3\xa4\r\n" * 50
    with patch.object(blocks, "_SIZE", 40):
        lines = lines_not_taken(io.BufferedReader(io.BytesIO(text)), "utf-8", ",", ["a", "b"], 2, take)
        given_out = list(plain_cells(lines, ","))
    assert ["x\ny", "2"] in given_out
    assert (
        len([each for each in given_out if any(each)]) + sum(each.records for each in taken[1::2]) == 1 + 100 + 1 + 50
    )
    assert all(sum(each.filled) <= 2 * each.records for each in taken)
    assert {"ä"} <= {cell for each in taken for cell in each.different(1)}
