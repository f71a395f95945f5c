"""First pages from the leaders: what a plain sort shows, also after writes, or nothing at all."""

import numpy as np
import pytest

from regulars.audience import leaders as module
from regulars.audience.bitmaps import from_ordinals
from regulars.audience.columns import Column
from regulars.audience.leaders import Leading
from regulars.domain.changes import NULL

from .test_window import expected


def column_of(values: list[int]) -> Column:
    column = Column()
    column.grow(len(values))
    column.load(0, np.array(values, dtype=np.int64))
    return column


@pytest.mark.parametrize("first", [0, 8, 512])
@pytest.mark.parametrize("fewest", [1, 20, 4_096])
@pytest.mark.parametrize("seed", range(12))
def test_a_page_of_the_leaders_is_the_plain_sorts(
    seed: int, fewest: int, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FEWEST", fewest)
    monkeypatch.setattr(module, "_FIRST", first)
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 600))
    values = rng.integers(-5, [1, 6, 2**62][seed % 3], size)
    values[rng.random(size) < [0, 0.3, 0.98][seed // 3 % 3]] = NULL
    column = column_of(values.tolist())
    leading = Leading(column)
    answered = 0
    for turn in range(40):
        matches = np.flatnonzero(rng.random(column.size) < [1, 0.5, 0.1][turn % 3])
        skip, take = int(rng.integers(0, 30)), int(rng.integers(0, 30))
        for descending in (False, True):
            found = leading.of(descending=descending).window(
                from_ordinals(matches), column.values, skip=skip, take=take
            )
            if found is not None and found.size:
                answered += 1
            if found is not None:
                plain = expected(matches.tolist(), column.values.tolist(), skip, take, descending)
                assert found.tolist() == plain
        for _ in range(int(rng.integers(0, 4))):
            if rng.random() < 0.2:
                column.grow(column.size + 1)
            ordinal = int(rng.integers(0, column.size))
            column[ordinal] = int(rng.choice([NULL, -(2**62), 2**62, int(rng.integers(-9, 9))]))
    if fewest == 4_096 and seed % 3 == 2 and seed // 3 % 3 == 0:
        assert answered > 20


def test_leaders_are_found_anew_when_much_was_written_and_the_old_ones_are_told_no_more() -> None:
    column = column_of(list(range(200)))
    leading = Leading(column)
    found = leading.of(descending=True)
    assert leading.of(descending=True) is found
    assert leading.of(descending=False) is not found
    for ordinal in range(200):
        column[ordinal] = 1_000 + ordinal
    assert found.is_stale
    fresh = leading.of(descending=True)
    assert fresh is not found
    assert not fresh.is_stale
    size = found.nbytes
    column[5] = 7
    assert found.nbytes == size
    assert leading.nbytes > 0


def test_a_value_that_everybody_has_leads_to_nothing() -> None:
    column = column_of([0] * 100)
    assert (
        Leading(column).of(descending=False).window(from_ordinals(np.arange(100)), column.values, skip=0, take=5)
        is None
    )
