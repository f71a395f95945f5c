"""Arena: many texts as UTF-8 in one run of bytes, a sentinel between them; in memory, or in the file of a snapshot."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from regulars.audience.bitmaps import Ordinals, distinct

_DENSE: Final = 16
_SAMPLE: Final = 65_536

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

    def holders(self, needle: bytes) -> Ordinals:
        """Whose texts contain the needle, found by looking at every byte."""
        buffer, starts, last = self.buffer, self.starts, len(self.content) - len(needle) + 1
        if last <= 0 or not self.size:
            return self.ordinals[:0]
        counts = np.bincount(buffer[:_SAMPLE], minlength=256)
        places = sorted(range(len(needle)), key=lambda place: (counts[needle[place]], place))
        found = buffer[places[0] :][:last] == needle[places[0]]
        while len(places) > 1 and np.count_nonzero(found) * _DENSE > found.size:
            del places[0]
            found &= buffer[places[0] :][:last] == needle[places[0]]
        is_dense = len(places) == 1 and np.count_nonzero(found) * _DENSE > found.size
        if is_dense and int(starts[-2]) < found.size:
            hits = np.bitwise_or.reduceat(found.view(np.uint8), starts[:-1])
            return self.ordinals[hits.astype(np.bool_)]
        at: NDArray[np.intp] = np.flatnonzero(found)
        for place in places[1:]:
            at = at[buffer[at + place] == needle[place]]
        texts = np.searchsorted(starts, at, side="right") - 1
        return self.ordinals[distinct(texts)] if texts.size else self.ordinals[:0]
