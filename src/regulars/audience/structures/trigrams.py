"""Byte trigrams of many texts, and the trigrams implied by a needle.

A text is indexed as UTF-8 between two sentinel bytes that never occur in UTF-8. Trigrams can then also answer needles
of one and two bytes: a two-byte needle starts a trigram, and a one-byte needle is the middle of one.
"""

from array import array
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmap_table import BitmapTable
from regulars.audience.structures.bitmaps import distinct, union

SENTINEL: Final = 0xFF
"""The byte between the texts of an arena; it never occurs in UTF-8."""

_ENOUGH: Final = 6
"""How many of a needle's rarest trigrams are used; verification rules out what the others would have."""

_CHUNK: Final = 65_536
"""Texts whose trigrams are sorted at a time: about 16 MB of keys."""

Grams = dict[int, BitMap]
"""Maps a trigram (three bytes as one integer) to the ordinals whose text contains it."""


def build(buffer: NDArray[np.uint8], starts: NDArray[np.int64], ordinals: NDArray[np.uint32]) -> Grams:
    """The trigrams of the texts of an arena; text i begins at starts[i] and ends one byte before starts[i + 1]."""
    grams: Grams = {}
    for first in range(0, ordinals.size, _CHUNK):
        last = min(first + _CHUNK, ordinals.size)
        part = buffer[starts[first] - 1 : starts[last]]  # from the sentinel before to the one after
        codes, owners = _sorted_pairs(part, starts[first : last + 1], ordinals[first:last])
        edges = np.flatnonzero(codes[1:] != codes[:-1]) + 1
        values = array("I")
        values.frombytes(owners.tobytes())
        bounds = [0, *edges.tolist(), codes.size]
        for code, start, stop in zip(
            codes[bounds[:-1]].tolist() if codes.size else (), bounds, bounds[1:], strict=False
        ):
            bitmap = BitMap(values[start:stop])
            known = grams.get(code)
            if known is None:
                grams[code] = bitmap
            else:
                known |= bitmap
    return grams


def _sorted_pairs(
    part: NDArray[np.uint8], starts: NDArray[np.int64], ordinals: NDArray[np.uint32]
) -> tuple[NDArray[Any], NDArray[np.uint32]]:
    """Distinct (trigram, ordinal) pairs, ascending, as two arrays."""
    owners = np.repeat(ordinals, np.diff(starts))[:-1]  # the owner of each middle byte
    wide = part.astype(np.uint64)
    pairs = wide[:-2] << np.uint64(48) | wide[1:-1] << np.uint64(40) | wide[2:] << np.uint64(32) | owners
    pairs = distinct(pairs[part[1:-1] != SENTINEL])
    return pairs >> np.uint64(32), pairs.astype(np.uint32)


class TrigramIndex:
    """The trigrams of one segment; immutable once built, except for a cache of one-byte needles."""

    def __init__(self, grams: BitmapTable[int]) -> None:
        self.grams = grams
        self._codes = np.fromiter(grams, dtype=np.int64, count=len(grams))
        self._single: dict[int, BitMap] = {}

    def rarest(self, needle: bytes) -> int:
        """A cheap upper bound on the number of texts that contain the needle; 0 for needles below 3 bytes."""
        if len(needle) < 3:
            return 0
        return min((self.grams.size(code) for code in _codes_of(needle)), default=0)

    def candidates(self, needle: bytes, within: BitMap | None = None) -> BitMap:
        """The ordinals in `within` (None: all) that may contain the needle; exact for needles of 1 to 3 bytes."""
        found = self._candidates(needle)
        if within is not None:
            found.append(within)
        found.sort(key=len)
        return BitMap.intersection(*found) if found else BitMap()

    def _candidates(self, needle: bytes) -> list[BitMap]:
        """Bitmaps whose intersection contains every text with the needle, smallest first."""
        if len(needle) == 1:
            return [self._having(needle[0])]
        if len(needle) == 2:
            code = needle[0] << 8 | needle[1]
            chosen = self._codes[self._codes >> 8 == code]
            return [union(self.grams[each] for each in chosen.tolist())]
        bitmaps: list[BitMap] = []
        for code in sorted(_codes_of(needle), key=self.grams.size)[:_ENOUGH]:
            bitmap = self.grams.get(code)
            if bitmap is None:
                return [BitMap()]
            bitmaps.append(bitmap)
        return bitmaps

    def _having(self, byte: int) -> BitMap:
        bitmap = self._single.get(byte)
        if bitmap is None:
            chosen = self._codes[(self._codes >> 8) & 0xFF == byte]
            bitmap = self._single[byte] = union(self.grams[each] for each in chosen.tolist())
        return bitmap


def _codes_of(needle: bytes) -> set[int]:
    return {a << 16 | b << 8 | c for a, b, c in zip(needle, needle[1:], needle[2:], strict=False)}
