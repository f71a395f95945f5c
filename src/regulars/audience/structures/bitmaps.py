"""Fast conversions between NumPy arrays and roaring bitmaps.

`BitMap(ndarray)` boxes every number. Going through an `array.array` of the same bytes is nine times faster, and writing
a dense mask directly in roaring's serialised format is faster still.
"""

import struct
from array import array
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Ordinals = NDArray[np.uint32]
"""Ordinals of customers, ascending."""

_Number = TypeVar("_Number", bound=np.integer[Any])

_CONTAINER_BITS: Final = 1 << 16
_CONTAINER_WORDS: Final = _CONTAINER_BITS // 64
_ARRAY_LIMIT: Final = 4096  # a roaring container of at most this many members is stored as uint16 values
_COOKIE: Final = 12346  # "no run containers", roaring format specification


def from_ordinals(ordinals: NDArray[Any]) -> BitMap:
    """The bitmap of these ordinals, which may be in any order."""
    values = array("I")
    values.frombytes(ordinals.astype(np.uint32, copy=False).tobytes())
    return BitMap(values)


def from_mask(mask: NDArray[np.bool_]) -> BitMap:
    """The bitmap of the positions where `mask` is True."""
    count = -(-mask.size // _CONTAINER_BITS)
    bits = np.zeros(count * _CONTAINER_BITS // 8, dtype=np.uint8)
    packed = np.packbits(mask, bitorder="little")
    bits[: packed.size] = packed
    containers = bits.reshape(count, _CONTAINER_BITS // 8)
    cards = np.bitwise_count(bits.view(np.uint64)).reshape(count, _CONTAINER_WORDS).sum(axis=1, dtype=np.int64)
    used = np.flatnonzero(cards)
    bodies: list[bytes] = []
    header: list[int] = []
    for key in used.tolist():
        card = int(cards[key])
        header += (key, card - 1)
        if card > _ARRAY_LIMIT:
            bodies.append(containers[key].tobytes())
        else:
            start = key * _CONTAINER_BITS
            bodies.append(np.flatnonzero(mask[start : start + _CONTAINER_BITS]).astype("<u2").tobytes())
    offsets: list[int] = []
    offset = 8 + 8 * len(bodies)
    for body in bodies:
        offsets.append(offset)
        offset += len(body)
    head = struct.pack(f"<II{len(header)}H{len(offsets)}I", _COOKIE, len(bodies), *header, *offsets)
    return BitMap.deserialize(head + b"".join(bodies))


def to_ordinals(bitmap: BitMap) -> Ordinals:
    """The members of a bitmap, ascending."""
    return np.frombuffer(bitmap.to_array(), dtype=np.uint32)


def distinct(values: NDArray[_Number]) -> NDArray[_Number]:
    """The distinct values, ascending. NumPy sorts integers with vector instructions, while `np.unique` hashes them."""
    ordered = np.sort(values)
    fresh = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]


def union(bitmaps: Iterable[BitMap]) -> BitMap:
    """The union as a new bitmap, empty if there are no bitmaps."""
    every = list(bitmaps)
    return BitMap.union(*every) if every else BitMap()


def approximate_bytes(bitmaps: Iterable[BitMap]) -> int:
    """The approximate memory use of the bitmaps: their contents, plus 190 bytes of overhead each."""
    # Two bytes per member, but at most the size of a bitset over the containers that it spans.
    return sum(190 + (min(2 * len(each), (each.max() - each.min()) // 8 + 8192) if each else 0) for each in bitmaps)
