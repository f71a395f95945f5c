"""Arena: many texts as UTF-8 in one run of bytes, a sentinel between them; in memory, or in the file of a snapshot."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, from_mask, from_ordinals

_DENSE: Final = 64
"""Where one place in so many holds the needle, texts are looked at one by one instead of places."""

_SAMPLE: Final = 65_536
_BLOCK: Final = 16_384
"""Texts looked through at a time: what is found in them stays in the processor's cache."""

Parts = tuple[Ordinals, bytes, NDArray[np.int64]]
"""Whose the texts are, ascending; the bytes; where each text begins, and one more."""


class Arena:
    """The texts of ascending ordinals. Text i stands at starts[i] and ends one byte before starts[i + 1]."""

    def __init__(self, size: int, load: Callable[[], Parts]) -> None:
        """`load` gives the parts when one of them is first asked for."""
        self.size = size
        self._load = load
        self._parts: Parts | None = None

    @classmethod
    def of(cls, ordinals: Ordinals, content: bytes, starts: NDArray[np.int64]) -> "Arena":
        """The arena of texts in memory."""
        arena = cls(ordinals.size, lambda: (ordinals, content, starts))
        arena._parts = arena._load()
        return arena

    @property
    def parts(self) -> Parts:
        """All of it."""
        parts = self._parts
        if parts is None:
            parts = self._parts = self._load()
        return parts

    @property
    def ordinals(self) -> Ordinals:
        """Whose the texts are."""
        return self.parts[0]

    @property
    def content(self) -> bytes:
        """The texts, with a sentinel in front of the first one and behind each."""
        return self.parts[1]

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """The same as an array."""
        return np.frombuffer(self.parts[1], dtype=np.uint8)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the texts begin."""
        return self.parts[2]

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes; while it is in the file, next to none."""
        return 0 if self._parts is None else len(self.content) + self.starts.nbytes + self.ordinals.nbytes

    def rows(self, positions: NDArray[np.intp]) -> NDArray[np.bytes_]:
        """Those texts as an array, each filled up with zeros to the width of the longest one."""
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
        """Whose texts contain the needle, found by looking at every byte."""
        width = 4 if len(needle) >= 4 else 2 if len(needle) >= 2 else 1
        last = len(self.content) - len(needle) + 1
        hits = np.zeros(self.size, dtype=np.bool_)
        if last <= 0 or not self.size:
            return BitMap()
        # So many bytes at once, at every place: they are compared as one number.
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
        if int(ordinals[-1]) == self.size - 1:  # nobody is missing
            return from_mask(hits)
        return from_ordinals(ordinals[hits])


def _pieces(length: int, width: int) -> list[int]:
    """Where to begin pieces of that width so that together they cover the length."""
    return sorted({*range(0, length - width + 1, width), length - width})
