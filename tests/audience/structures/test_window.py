"""Pages against a plain sort, on sets small and large, with many ties, unset keys and the extremes."""

import numpy as np
import pytest
from pyroaring import BitMap

from regulars.audience.structures import window as module
from regulars.audience.structures.bitmaps import from_ordinals
from regulars.audience.structures.window import by_ordinal, ordered_window, window
from regulars.domain.changes import NULL

HIGHEST = 2**63 - 1


def expected(matches: list[int], values: list[int], skip: int, take: int, descending: bool) -> list[int]:
    def rank(ordinal: int) -> tuple[bool, int, int]:
        value = values[ordinal]
        return (value == NULL, -value if descending else value, ordinal)

    return sorted(matches, key=rank)[skip : skip + take]


@pytest.mark.parametrize("many", [module.MANY, 64])
@pytest.mark.parametrize("large", [module.LARGE, 16])
@pytest.mark.parametrize("seed", range(12))
def test_every_page_is_the_plain_sorts(seed: int, large: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", many)
    monkeypatch.setattr(module, "_SAMPLED", 16)
    monkeypatch.setattr(module, "LARGE", large)
    monkeypatch.setattr(module, "_SAMPLE", 64)
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 3_000))
    values = rng.integers(-5, [1, 6, 2**62][seed % 3], size)
    values[rng.random(size) < [0, 0.3, 0.98][seed // 3 % 3]] = NULL
    values[rng.random(size) < 0.02] = [HIGHEST, NULL + 1][seed % 2]
    ordinals = np.flatnonzero(rng.random(size) < [1, 0.5, 0.05][seed % 3])
    total = ordinals.size
    for descending in (False, True):
        for skip in (0, 1, total // 3, total // 2, total - 3, total, total + 7):
            for take in (0, 1, 25, total):
                skip = max(skip, 0)
                page = window(from_ordinals(ordinals), values, skip=skip, take=take, descending=descending)
                assert page.tolist() == expected(ordinals.tolist(), values.tolist(), skip, take, descending)


def test_a_sample_that_misleads_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 16)
    monkeypatch.setattr(module, "_SAMPLE", 50)
    values = np.arange(1_000)
    values[:: 1_000 // 50] = 10_000  # every sampled value lies
    for large in (16, 10_000):
        monkeypatch.setattr(module, "LARGE", large)
        monkeypatch.setattr(module, "MANY", 100)
        monkeypatch.setattr(module, "_SAMPLED", 50)
        page = window(BitMap(range(1_000)), values, skip=500, take=5, descending=False)
        assert page.tolist() == expected(list(range(1_000)), values.tolist(), 500, 5, False)


def test_pages_of_the_order_of_creation() -> None:
    matches = BitMap([3, 5, 8, 9])
    assert by_ordinal(matches, skip=1, take=2, descending=False).tolist() == [5, 8]
    assert by_ordinal(matches, skip=1, take=2, descending=True).tolist() == [8, 5]
    assert by_ordinal(matches, skip=3, take=9, descending=True).tolist() == [3]
    assert by_ordinal(matches, skip=4, take=9, descending=True).tolist() == []


@pytest.mark.parametrize("large", [module.LARGE, 4])
@pytest.mark.parametrize("seed", range(6))
def test_pages_of_an_order_that_ascends(seed: int, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", large)
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 400))
    values = np.sort(rng.integers(0, [3, 40, 10_000][seed % 3], size))
    matches = np.flatnonzero(rng.random(size) < [1, 0.3][seed % 2])
    for descending in (False, True):
        for skip in range(0, matches.size + 2, 7):
            for take in (0, 1, 10, matches.size):
                page = ordered_window(from_ordinals(matches), values, skip=skip, take=take, descending=descending)
                assert page.tolist() == expected(matches.tolist(), values.tolist(), skip, take, descending)
