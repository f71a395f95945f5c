"""Word similarity as defined by PostgreSQL's pg_trgm, and an index of the words of many texts.

A word is a run of alphanumeric characters. Its trigrams are the set of three-character substrings of the word padded
with two spaces in front and one behind; similarity = |A and B| / |A or B|. A text is similar to a query if the
similarity of one of its words is at least one half.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.bitmaps import Ordinals, distinct, from_ordinals

_WORD: Final = re.compile(r"[^\W_]+")
_WORD_OR_END: Final = re.compile(r"[^\W_]+|\0")
_CHUNK: Final = 8_192
"""Texts split into words at a time, so that the interpreter lock is held for only a few milliseconds."""

_PARTS: Final = ("owners", "bounds", "grams", "gram_bounds", "gram_words", "sizes")

_REMEMBERED: Final = 65_536
"""Cached similarity results per query, in words."""

_LONGEST_REMEMBERED: Final = 32
"""Longest text (characters) whose trigrams are cached: those of a long text take a hundred times the memory."""

_NOTHING: Final = np.empty(0, dtype=np.int64)


def words_of(text: str) -> list[str]:
    """The words of a folded text."""
    return _WORD.findall(text)


def trigrams_of(text: str) -> frozenset[str]:
    """The set of trigrams of all words of a folded text."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _trigrams(text)


def _trigrams(text: str) -> frozenset[str]:
    return frozenset(
        padded[at : at + 3] for padded in (f"  {word} " for word in words_of(text)) for at in range(len(padded) - 2)
    )


_remembered = lru_cache(maxsize=65_536)(_trigrams)


def is_similar(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether the similarity of two sets of trigrams is at least one half."""
    shared = len(left & right)
    return shared > 0 and 3 * shared >= len(left) + len(right)


def shared_by_similar(grams: frozenset[str]) -> int:
    """The minimum number of a query's trigrams that a similar word shares: half of them.

    Because 3 * shared >= |query| + |word|, and a word has at least as many trigrams as it shares.
    """
    return -(-len(grams) // 2)


def similar_texts(grams: frozenset[str], texts: Iterable[tuple[int, str]]) -> Iterator[int]:
    """Yield the ordinals of (ordinal, folded text) pairs that have a word similar to a query's trigrams."""
    known: dict[str, bool] = {}
    for ordinal, text in texts:
        for word in words_of(text):
            hit = known.get(word)
            if hit is None:
                if len(known) >= _REMEMBERED:
                    known.clear()
                hit = known[word] = _is_similar_word(grams, word)
            if hit:
                yield ordinal
                break


def _is_similar_word(grams: frozenset[str], word: str) -> bool:
    padded = f"  {word} "
    shared = sum([gram in padded for gram in grams])
    return shared >= shared_by_similar(grams) and is_similar(grams, trigrams_of(word))


class WordIndex:
    """Maps distinct words to ordinals, and trigrams to words; immutable, in compressed sparse row format."""

    def __init__(self, words: list[str], owners: NDArray[np.uint32], bounds: NDArray[np.int64]) -> None:
        """Word i occurs in the texts of owners[bounds[i]:bounds[i + 1]]."""
        grams, gram_bounds, gram_words = _grams_of(words)
        self._take((owners, bounds, grams, gram_bounds, gram_words, np.bincount(gram_words, minlength=len(words))))

    def _take(self, arrays: Sequence[NDArray[Any]]) -> None:
        self._arrays = arrays
        self._owners, self._bounds, self._grams, self._gram_bounds, self._gram_words, self._sizes = arrays

    def write(self, writer: Writer, name: str) -> None:
        """Write the index to an archive under this name."""
        for part, array in zip(_PARTS, self._arrays, strict=True):
            writer.put(f"{name}/{part}", array)

    @classmethod
    def read(cls, reader: Reader, name: str) -> "WordIndex":
        """The index that was written under this name."""
        index = cls.__new__(cls)
        index._take([reader.array(f"{name}/{part}") for part in _PARTS])
        return index

    @classmethod
    def of(cls, ordinals: Ordinals, arena: bytes, starts: NDArray[np.int64]) -> "WordIndex":
        """Build the index from the texts of an arena; text i begins at starts[i] and is followed by one sentinel."""
        ids: dict[str, int] = {"\0": 0}
        codes: list[NDArray[np.int64]] = [_NOTHING]
        for first in range(0, ordinals.size, _CHUNK):
            last = min(first + _CHUNK, ordinals.size)
            text = arena[starts[first] : starts[last]].replace(b"\xff", b"\0").decode("utf-8", "surrogatepass")
            found = [ids.setdefault(word, len(ids)) for word in _WORD_OR_END.findall(text)]
            codes.append(np.array(found, dtype=np.int64))
        every = np.concatenate(codes)
        is_word = every > 0
        text_of = np.cumsum(~is_word)[is_word]
        pairs = distinct((every[is_word] - 1) << 32 | ordinals[text_of])
        bounds = np.searchsorted(pairs >> 32, np.arange(len(ids)))
        del ids["\0"]
        return cls(list(ids), pairs.astype(np.uint32), bounds)

    @property
    def nbytes(self) -> int:
        """Memory use in bytes."""
        return sum(each.nbytes for each in self._arrays)

    def cost(self, grams: frozenset[str]) -> float:
        """The approximate cost of `similar`, in microseconds."""
        sizes = sorted(row.size for row in self._rows(grams))
        rarest = len(sizes) - -(-len(grams) // 2) + 1
        return 50 + 0.08 * sum(sizes[: max(rarest, 0)])

    def _rows(self, grams: frozenset[str]) -> list[NDArray[Any]]:
        """For each of the trigrams that occurs at all, the words that contain it."""
        if not grams or not self._grams.size:
            return []
        wanted = np.array([_code(gram) for gram in grams], dtype=np.int64)
        at = np.searchsorted(self._grams, wanted)
        at[at == self._grams.size] = 0
        found = at[self._grams[at] == wanted].tolist()
        return [self._gram_words[self._gram_bounds[row] : self._gram_bounds[row + 1]] for row in found]

    def similar(self, grams: frozenset[str]) -> BitMap:
        """The ordinals whose text has a word similar to a query's trigrams."""
        rows = self._rows(grams)
        # A similar word is in at least half of the rows. It is therefore in one of the rarest, which yield the
        # candidates; the other rows only need lookups.
        needed = shared_by_similar(grams)
        if not rows or len(rows) < needed:
            return BitMap()
        rows.sort(key=len)
        rarest = len(rows) - needed + 1
        words, shared = np.unique(np.concatenate(rows[:rarest]), return_counts=True)
        for row in rows[rarest:]:
            place = np.searchsorted(row, words)
            place[place == row.size] = 0
            shared += row[place] == words
        hits = words[3 * shared >= len(grams) + self._sizes[words]]
        found = [self._owners[self._bounds[word] : self._bounds[word + 1]] for word in hits.tolist()]
        return from_ordinals(np.concatenate(found)) if found else BitMap()


def _code(gram: str) -> int:
    """Packs three code points of 21 bits each into one integer."""
    return ord(gram[0]) << 42 | ord(gram[1]) << 21 | ord(gram[2])


def _grams_of(words: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """(trigrams, ascending; bounds; word ids): trigram i occurs in the words ids[bounds[i]:bounds[i + 1]]."""
    text = "".join(f"  {word} " for word in words)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    counts = np.fromiter(map(len, words), dtype=np.int64, count=len(words)) + 1  # trigrams of each word
    begins = np.cumsum(counts + 2) - (counts + 2)
    owner = np.repeat(np.arange(len(words)), counts)
    at = np.arange(owner.size) + np.repeat(begins - (np.cumsum(counts) - counts), counts)
    codes = points[at] << 42 | points[at + 1] << 21 | points[at + 2] if owner.size else _NOTHING
    grams, rows = np.unique(codes, return_inverse=True)
    pairs = distinct(rows << 32 | owner)
    bounds = np.searchsorted(pairs >> 32, np.arange(grams.size + 1))
    return grams, bounds, (pairs & 0xFFFFFFFF).astype(np.uint32)
