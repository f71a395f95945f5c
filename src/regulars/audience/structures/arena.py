"""Arena: many texts as UTF-8 in one byte string, separated by sentinels, in memory or in a snapshot file."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, from_mask, from_ordinals

_DENSE: Final = 64
"""If more than one position in this many matches, results are reduced per text instead of per position."""

_SAMPLE: Final = 65_536
_BLOCK: Final = 16_384
"""Texts scanned at a time, few enough for the intermediate results to stay in the CPU cache."""

Parts = tuple[Ordinals, bytes, NDArray[np.int64]]
"""(ordinals, ascending; the bytes; start of each text, plus one past the last)."""


class Arena:
    """The texts of ascending ordinals. Text i begins at starts[i] and ends one byte before starts[i + 1]."""

    def __init__(self, size: int, load: Callable[[], Parts]) -> None:
        """load: called on first use to get the parts."""
        self.size = size
        self._load = load
        self._parts: Parts | None = None

    @classmethod
    def of(cls, ordinals: Ordinals, content: bytes, starts: NDArray[np.int64]) -> "Arena":
        """An arena of texts that are in memory."""
        arena = cls(ordinals.size, lambda: (ordinals, content, starts))
        arena._parts = arena._load()
        return arena

    @property
    def parts(self) -> Parts:
        """All parts; reads them if necessary."""
        parts = self._parts
        if parts is None:
            parts = self._parts = self._load()
        return parts

    @property
    def ordinals(self) -> Ordinals:
        """The ordinals that the texts belong to."""
        return self.parts[0]

    @property
    def content(self) -> bytes:
        """The texts, with a sentinel before the first one and after each."""
        return self.parts[1]

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """`content` as an array."""
        return np.frombuffer(self.parts[1], dtype=np.uint8)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the texts begin."""
        return self.parts[2]

    @property
    def nbytes(self) -> int:
        """Memory use in bytes, 0 while the texts are still in the file."""
        return 0 if self._parts is None else len(self.content) + self.starts.nbytes + self.ordinals.nbytes

    def rows(self, positions: NDArray[np.intp]) -> NDArray[np.bytes_]:
        """The texts at these positions as an array, zero-padded to the longest one."""
        begins, lengths = self.starts[positions], np.diff(self.starts)[positions] - 1
        width = max(int(lengths.max(initial=0)), 1)
        rows = np.zeros(positions.size, dtype=f"S{width}")
        cells = rows.view(np.uint8).reshape(-1, width)
        windows = np.lib.stride_tricks.sliding_window_view(self.buffer, width)
        for first in range(0, positions.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            cells[block] = windows[begins[block]] * (np.arange(width) < lengths[block, None])
        return rows

    def holders(self, needle: bytes) -> BitMap:
        """The ordinals whose texts contain the needle, found by scanning every byte."""
        width = 4 if len(needle) >= 4 else 2 if len(needle) >= 2 else 1
        last = len(self.content) - len(needle) + 1
        hits = np.zeros(self.size, dtype=np.bool_)
        if last <= 0 or not self.size:
            return BitMap()
        # Compare `width` bytes at once, as one integer, at every position.
        words = np.ndarray((len(self.content) - width + 1,), f"<u{width}", self.content, strides=(1,))
        pieces = {at: int.from_bytes(needle[at : at + width], "little") for at in _pieces(len(needle), width)}
        rarest = min(pieces, key=lambda at: int(np.count_nonzero(words[:_SAMPLE] == pieces[at])))
        for first in range(0, self.size, _BLOCK):
            starts = self.starts[first : first + _BLOCK + 1]
            begin, end = int(starts[0]), min(int(starts[-1]), last)
            found = words[begin + rarest : end + rarest] == pieces[rarest]
            is_dense = len(pieces) == 1 and int(starts[-2]) < end and np.count_nonzero(found) * _DENSE > found.size
            if is_dense:
                hits[first : first + _BLOCK] = np.bitwise_or.reduceat(found.view(np.uint8), starts[:-1] - begin)
                continue
            places: NDArray[np.intp] = np.flatnonzero(found) + begin
            for at, piece in pieces.items():
                if at != rarest:
                    places = places[words[places + at] == piece]
            hits[first + np.searchsorted(starts, places, side="right") - 1] = True
        ordinals = self.ordinals
        if int(ordinals[-1]) == self.size - 1:  # the ordinals have no gaps
            return from_mask(hits)
        return from_ordinals(ordinals[hits])


def _pieces(length: int, width: int) -> list[int]:
    """The start positions of pieces of this width that together cover the length."""
    return sorted({*range(0, length - width + 1, width), length - width})


def gathered(buffer: NDArray[np.uint8], begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The texts that begin there and are so long, one after the other.

    A block of them at a time, since NumPy keeps the interpreter lock meanwhile.
    """
    parts = [buffer[:0]]
    for first in range(0, begins.size, _BLOCK):
        begin, length = begins[first : first + _BLOCK], lengths[first : first + _BLOCK]
        end = int(begin[-1] + length[-1])
        if bool(np.all(begin[1:] == begin[:-1] + length[:-1])):
            parts.append(buffer[begin[0] : end])
        else:
            parts.append(buffer[spread(begin, length)])
    return np.concatenate(parts)


def spread(begins: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places begins[i] .. begins[i] + counts[i] - 1 of every i, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    places: NDArray[np.int64] = np.arange(total) + np.repeat(begins - (ends - counts), counts)
    return places
