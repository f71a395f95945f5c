"""Bands against a plain sort and plain comparisons, with ties, unset values and the extremes, also after writes."""

import numpy as np
import pytest

from regulars.audience.structures import bands as bands_module
from regulars.audience.structures.bands import Banding
from regulars.audience.structures.bitmaps import from_ordinals
from regulars.audience.structures.columns import Column, bounded
from regulars.domain.changes import NULL

from .test_window import HIGHEST, expected


def column_of(values: list[int]) -> Column:
    column = Column()
    column.grow(len(values))
    column.load(0, np.array(values, dtype=np.int64))
    return column


def cut(column: Column) -> Banding:
    banding = Banding(column)
    banding.capture()()
    return banding


def write(column: Column, rng: np.random.Generator) -> None:
    if rng.random() < 0.2:
        column.grow(column.size + 1)
    extremes = [NULL, NULL + 1, HIGHEST, int(rng.integers(-9, 9)), int(rng.integers(-9, 9))]
    column[int(rng.integers(0, column.size))] = int(rng.choice(extremes))


@pytest.mark.parametrize("seed", range(54))
def test_pages_and_ranges_are_those_of_a_plain_look(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed >= 27:
        monkeypatch.setattr(bands_module, "_LARGE", 4)  # as large as bands that have bands of their own
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 900))
    values = rng.integers(-5, [1, 9, 2**62][seed % 3], size)
    values[rng.random(size) < [0, 0.3, 0.98][seed // 3 % 3]] = NULL
    values[rng.random(size) < 0.02] = [HIGHEST, NULL + 1][seed % 2]
    column = column_of(values.tolist())
    banding = cut(column)
    answered = 0
    for turn in range(40):
        matches = np.flatnonzero(rng.random(column.size) < [1, 0.5, 0.1][turn % 3])
        plain = column.values.tolist()
        bands = banding.ask()
        assert bands is not None
        skip, take = int(rng.integers(0, matches.size + 2)), int(rng.integers(0, 30))
        for descending in (False, True):
            page = bands.window(from_ordinals(matches), column.values, skip=skip, take=take, descending=descending)
            if page is not None:
                answered += 1
                assert page.tolist() == expected(matches.tolist(), plain, skip, take, descending)
            else:
                known = sum(plain[ordinal] != NULL for ordinal in matches.tolist())
                assert take == 0 or skip >= matches.size or min(skip + take, matches.size) > known
        one, other = (int(each) for each in rng.choice([*plain, -3, 0, 4, 2**61, HIGHEST - 1], 2))
        for low, high in ((one, other), (one, one), (None, other), (one, None), (None, None)):
            bounds = bounded(low, high)
            if bounds is not None:
                found = bands.between(column.values, *bounds, from_ordinals(matches))
                assert found == column.between(low, high, from_ordinals(matches))
        for _ in range(int(rng.integers(0, 4))):
            write(column, rng)
        if turn == 30:
            banding.capture()()
    assert answered or seed // 3 % 3 == 2


def test_a_large_band_in_which_ranges_begin_gets_bands_of_its_own() -> None:
    column = column_of(list(range(200_000)))
    bands = cut(column).ask()
    assert bands is not None
    before = bands.nbytes
    third = np.arange(0, column.size, 3)
    some = from_ordinals(third)
    for low in (100_001, 100_002, 100_003, 100_001):
        expected_ones = third[(third >= low) & (third <= 150_000)]
        assert bands.between(column.values, low, 150_000, some) == from_ordinals(expected_ones)
    assert bands.nbytes > before
    column[100_005] = 7  # it is in the bands of the band, at its old place
    assert 100_005 in some
    assert 100_005 not in bands.between(column.values, 100_001, 150_000, some)
    assert 100_005 in bands.between(column.values, 0, 10, some)


def test_values_that_many_have_get_a_band_of_their_own() -> None:
    column = column_of([0] * 500 + list(range(1, 400)))
    bands = cut(column).ask()
    assert bands is not None
    everybody = from_ordinals(np.arange(column.size))
    page = bands.window(everybody, column.values, skip=450, take=3, descending=False)
    assert page is not None
    assert page.tolist() == [450, 451, 452]


def test_a_column_is_cut_when_it_is_asked_about_again_and_anew_after_many_writes() -> None:
    column = column_of(list(range(5_000)))
    banding = Banding(column)
    assert banding.ask() is None
    assert [banding.is_due, banding.ask(), banding.is_due] == [False, None, True]
    cut_it = banding.capture()
    column[7] = 10_000  # while it is being cut
    cut_it()
    assert (banding.is_cut, banding.is_due) == (True, False)
    bands = banding.ask()
    assert bands is not None
    assert bands.written == from_ordinals(np.array([7]))
    for ordinal in range(2_000):
        column[ordinal] = 20_000
    assert [banding.ask() is bands, banding.ask() is bands, banding.is_due] == [True, True, True]
    size = banding.nbytes
    banding.capture()()
    column[3] = 1
    assert (len(bands.written), banding.ask()) != (2_000, bands)
    assert bands.written == from_ordinals(np.arange(2_000))  # told no more
    assert 0 < banding.nbytes < size
