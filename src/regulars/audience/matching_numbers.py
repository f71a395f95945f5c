"""The numbers of all customers who match: for work that goes through them in the store."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.index import SiteIndex


def matching_numbers(index: SiteIndex, found: Sequence[BitMap]) -> NDArray[Any]:
    """The numbers of the customers in the first set, ascending; four bytes each. The work of a `Study`."""
    return np.sort(index.numbering.numbers(np.asarray(found[0].to_array(), dtype=np.uint32)))


def packed(numbers: NDArray[Any]) -> bytes:
    """Numbers as a compressed set: a few bits for each customer."""
    return BitMap(numbers).serialize()


def unpacked(data: bytes) -> NDArray[Any]:
    """The numbers in a compressed set, ascending."""
    return np.asarray(BitMap.deserialize(data).to_array(), dtype=np.uint32)
