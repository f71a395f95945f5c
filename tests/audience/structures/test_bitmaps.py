import numpy as np
import pytest
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import (
    approximate_bytes,
    distinct,
    from_mask,
    from_ordinals,
    to_ordinals,
    union,
)


@pytest.mark.parametrize("size", [0, 1, 63, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.0625, 0.5, 1.0])
def test_masks_and_ordinals_become_the_same_bitmap(size: int, share: float) -> None:
    mask = np.random.default_rng(size).random(size) < share
    ordinals = np.flatnonzero(mask)
    bitmap = from_mask(mask)
    assert bitmap == BitMap(ordinals.tolist()) == from_ordinals(ordinals)
    assert to_ordinals(bitmap).tolist() == ordinals.tolist()
    bitmap.add(size)  # what was deserialised can be altered
    assert size in bitmap


def test_a_container_of_exactly_the_array_limit() -> None:
    for card in (4_095, 4_096, 4_097):
        mask = np.zeros(70_000, dtype=np.bool_)
        mask[100 : 100 + card] = True
        assert from_mask(mask) == BitMap(range(100, 100 + card))


def test_small_helpers() -> None:
    assert union([]) == BitMap()
    assert union([BitMap([1]), BitMap([2])]) == BitMap([1, 2])
    assert distinct(np.array([3, 1, 3, 2])).tolist() == [1, 2, 3]
    assert 190 < approximate_bytes([BitMap(), BitMap(range(100_000))]) < 30_000
