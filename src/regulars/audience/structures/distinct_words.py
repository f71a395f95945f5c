"""The distinct words of many texts, numbered as they come and put in order.

Words are kept in shards, each a range of the order. No step then takes longer than a few milliseconds: to sort all
words at once, to let one dictionary of them grow, or to free it would hold the interpreter lock for much longer.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

END: Final = "\0"
"""Comes after each text."""

NO_WORD: Final = -1
"""The number of END."""

_SHARD: Final = 32
"""Words of the sample that fall into one shard: thousands of all words."""

_Numbers = NDArray[np.int64]


class SortedWords(NamedTuple):
    """Ascending words, each given by how many letters it has, and the code points of all of them."""

    lengths: _Numbers
    points: NDArray[np.uint32]

    @classmethod
    def of(cls, words: Sequence[str]) -> "SortedWords":
        """Those of a list."""
        lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
        return cls(lengths, np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype=np.uint32))


class DistinctWords:
    """Numbers the distinct words of texts. sample: some of their words."""

    def __init__(self, sample: Iterable[str]) -> None:
        self._bounds = sorted(set(sample))[_SHARD::_SHARD]
        self.shards: list[dict[str, int]] = [{} for _ in range(len(self._bounds) + 1)]
        """The number of each word, by ranges of words."""
        self._count = 0

    def numbers(self, words: Iterable[str]) -> _Numbers:
        """The number of each word, or NO_WORD for END. A word has the next number when it first comes."""
        bounds, shards, count = self._bounds, self.shards, self._count
        found: list[int] = []
        for word in words:
            if word == END:
                found.append(NO_WORD)
            else:
                number = shards[bisect_right(bounds, word)].setdefault(word, count)
                count += number == count
                found.append(number)
        self._count = count
        return np.array(found, dtype=np.int64)

    def sorted(self) -> tuple[SortedWords, _Numbers]:
        """All words in order, and the place of each there, by its number. Leaves nothing here."""
        parts = [SortedWords.of(())]
        ranks = np.empty(self._count, dtype=np.int64)
        rank = 0
        while self.shards:
            shard = self.shards.pop(0)
            words = sorted(shard)
            ranks[[shard[word] for word in words]] = np.arange(rank, rank + len(words))
            rank += len(words)
            parts.append(SortedWords.of(words))
        lengths, points = zip(*parts, strict=True)
        return SortedWords(np.concatenate(lengths), np.concatenate(points)), ranks
