"""The members of a watched audience as they are stored: roaring bitmaps of customer numbers, in parts.

Part `place` has the numbers from place x 16,384 on, each less that, in roaring's portable format. So a customer who
enters or leaves rewrites at most 2 KB, and a million members are about 60 rows.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import distinct, from_ordinals, to_ordinals

_BITS: Final = 14
_SIZE: Final = 1 << _BITS


def joined(parts: Iterable[tuple[int, bytes]]) -> BitMap:
    """The members in stored parts."""
    found = [to_ordinals(BitMap.deserialize(body)) + np.uint32(place << _BITS) for place, body in parts]
    return from_ordinals(np.concatenate(found)) if found else BitMap()


def parts_of(members: BitMap, changed: BitMap) -> list[tuple[int, bytes]]:
    """The parts in which these customers are, by place; empty if nobody of the part is a member."""
    found = []
    for place in distinct(to_ordinals(changed) >> np.uint32(_BITS)).tolist():
        first = place << _BITS
        part = members & BitMap(range(first, first + _SIZE))
        found.append((place, from_ordinals(to_ordinals(part) - np.uint32(first)).serialize() if part else b""))
    return found
