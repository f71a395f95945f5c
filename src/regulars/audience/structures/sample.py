"""Samples: a pseudo-random part of the customers that stays the same as long as the customers do."""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import from_mask

OUT_OF: Final = 10_000
"""Shares are given in parts of this."""

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


def sampled(numbers: NDArray[np.uint32], share: int, seed: str) -> BitMap:
    """The ordinals of the customers in the sample; `numbers` are those of all ordinals.

    Whether a customer is in it depends on the number and the seed only. A larger share of the same seed contains every
    smaller one.
    """
    if share >= OUT_OF:
        return BitMap(range(len(numbers)))
    start = np.uint64(int.from_bytes(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:8], "little"))
    # SplitMix64: a well-tested mixing of 64 bits that needs no state.
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * _GOLDEN + start
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    mixed ^= mixed >> np.uint64(31)
    return from_mask(mixed % np.uint64(OUT_OF) < np.uint64(share))
