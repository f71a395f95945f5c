"""WordIndex: the distinct words of many texts in order, searched for those that are alike but for typing errors.

Words with a common beginning stand side by side, so a beginning is a range of words, as a node of a trie is. A search
goes through the letters of all words at once, from the first on. At each depth it keeps the ranges that may still be
alike, each with a row of the matrix of edit distances: the errors of their beginning against each beginning of the
wanted word. All ranges of a depth are one step of NumPy.
"""

import re
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.archive import Reader, Writer
from regulars.audience.structures.arena import spread
from regulars.audience.structures.bitmaps import Ordinals, distinct, from_ordinals
from regulars.audience.structures.distinct_words import END, NO_WORD, DistinctWords, SortedWords
from regulars.audience.structures.typos import WantedWord

_WORD_OR_END: Final = re.compile(rf"[^\W_]+|{END}")
_CHUNK: Final = 2_048
"""Texts split into words at a time, so that the interpreter lock is held for only a few milliseconds."""

_POINTS: Final = 1_000_000
"""Code points handled at a time."""

_SAMPLED: Final = 64
"""One of so many texts tells how the words are distributed."""

_PARTS: Final = ("owners", "bounds", "alphabet", "letters", "starts", "branches", "branch_bounds")
_COSTS: Final = (100, 800, 4_000)
"""Microseconds of a search, by the errors that the word may have."""

_NOWHERE: Final = -1
_Numbers = NDArray[np.int64]


class _Ranges(NamedTuple):
    """Ranges of words that begin with the same letters. first, end: of each range. last: its last letter.

    errors: for each range, the errors of its letters against the first 0, 1, 2 ... letters of the wanted word; before:
    the same of its letters without the last.
    """

    first: _Numbers
    end: _Numbers
    last: _Numbers
    errors: NDArray[np.int8]
    before: NDArray[np.int8]

    def chosen(self, mask: NDArray[np.bool_]) -> "_Ranges":
        first, end, last, errors, before = self
        return _Ranges(first[mask], end[mask], last[mask], errors[mask], before[mask])


class WordIndex:
    """Maps distinct words to the ordinals of the texts that have them; immutable."""

    def __init__(self, words: SortedWords, owners: NDArray[np.uint32], bounds: _Numbers) -> None:
        """Word i occurs in the texts of owners[bounds[i]:bounds[i + 1]]."""
        starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(words.lengths)))
        alphabet, letters = _alphabet(words.points)
        shared = _shared(letters, starts)
        branches = np.argsort(shared[1:], kind="stable").astype(np.uint32) + np.uint32(1)
        depths = np.arange(int(shared.max(initial=0)) + 2)
        branch_bounds = np.searchsorted(shared[1:][branches - 1], depths)
        self._take((owners, bounds, alphabet, letters, starts.astype(np.uint32), branches, branch_bounds))

    def _take(self, arrays: Sequence[NDArray[Any]]) -> None:
        self._arrays = arrays
        self._owners, self._bounds, self._alphabet, self._letters, self._starts = arrays[:5]
        self._branches, self._branch_bounds = arrays[5:]
        """Places of words that differ from the word before them after 0, 1, 2 ... letters."""

    def __len__(self) -> int:
        return self._starts.size - 1

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
    def of(cls, ordinals: Ordinals, arena: bytes, starts: _Numbers) -> "WordIndex":
        """Build the index from the texts of an arena; text i begins at starts[i] and is followed by one sentinel."""

        def texts(first: int, last: int) -> list[str]:
            text = arena[starts[first] : starts[last]].replace(b"\xff", b"\0").decode("utf-8", "surrogatepass")
            return _WORD_OR_END.findall(text)

        size = ordinals.size
        sample = (word for first in range(0, size, _SAMPLED) for word in texts(first, first + 1))
        found = DistinctWords(sample)
        numbers, owners = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.uint32)]
        for first in range(0, size, _CHUNK):
            last = min(first + _CHUNK, size)
            every = found.numbers(texts(first, last))
            is_word = every != NO_WORD
            numbers.append(every[is_word])
            owners.append(ordinals[first + np.cumsum(~is_word)[is_word]])
        words, ranks = found.sorted()
        pairs = distinct(ranks[np.concatenate(numbers)] << 32 | np.concatenate(owners))
        bounds = np.searchsorted(pairs >> 32, np.arange(words.lengths.size + 1))
        return cls(words, pairs.astype(np.uint32), bounds)

    @property
    def nbytes(self) -> int:
        """Memory use in bytes."""
        return sum(each.nbytes for each in self._arrays)

    def cost(self, wanted: WantedWord) -> float:
        """The approximate cost of `alike`, in microseconds."""
        return min(_COSTS[wanted.errors], 100 + len(self))

    def alike(self, wanted: WantedWord) -> BitMap:
        """The ordinals whose text has a word alike (see `typos`)."""
        found = self._matching(wanted)
        begins = np.concatenate([self._bounds[first] for first, _ in found])
        counts = np.concatenate([self._bounds[end] for _, end in found]) - begins
        return from_ordinals(self._owners[spread(begins, counts)])

    def _matching(self, wanted: WantedWord) -> list[tuple[_Numbers, _Numbers]]:
        """Ranges of words that are alike, as (first, end)."""
        letters, most = self._coded(wanted.text), wanted.errors
        row = np.minimum(np.arange(letters.size + 1), most + 1).astype(np.int8)[np.newaxis]
        whole = np.array([0]), np.array([len(self)]), np.array([_NOWHERE])
        ranges = _Ranges(*whole, row, np.full_like(row, most + 1))
        found: list[tuple[_Numbers, _Numbers]] = [(whole[0][:0], whole[1][:0])]
        depth = 0
        while ranges.first.size and len(self):
            if wanted.is_prefix:
                is_alike = ranges.errors[:, -1] <= most
                found.append((ranges.first[is_alike], ranges.end[is_alike]))
                ranges = ranges.chosen(~is_alike)
            parent, first, end = self._branched(ranges, depth)
            starts = self._starts[first].astype(np.int64)
            ends_here = self._starts[first + 1] == starts + depth
            complete = ends_here & (ranges.errors[parent, -1] <= most)
            found.append((first[complete], first[complete] + 1))
            parent, first, end = (each[~ends_here] for each in (parent, first, end))
            letter = self._letters[starts[~ends_here] + depth].astype(np.int64)
            errors = _next_errors(ranges, parent, letter, letters, most)
            ranges = _Ranges(first, end, letter, errors, ranges.errors[parent]).chosen(errors.min(axis=1) <= most)
            depth += 1
        return found

    def _branched(self, ranges: _Ranges, depth: int) -> tuple[_Numbers, _Numbers, _Numbers]:
        """The ranges with one letter more, as (place of the range that each is part of, first, end)."""
        branches = self._branches[:0]
        if depth + 1 < self._branch_bounds.size:
            branches = self._branches[self._branch_bounds[depth] : self._branch_bounds[depth + 1]]
        begin = np.searchsorted(branches, ranges.first, side="right")
        counts = np.searchsorted(branches, ranges.end) - begin
        inner = branches[spread(begin, counts)].astype(np.int64)
        parent = np.repeat(np.arange(counts.size), counts + 1)
        place = np.cumsum(counts + 1)
        is_first = np.zeros(parent.size, dtype=np.bool_)
        is_first[place - counts - 1] = True
        is_last = np.zeros(parent.size, dtype=np.bool_)
        is_last[place - 1] = True
        first, end = np.empty(parent.size, dtype=np.int64), np.empty(parent.size, dtype=np.int64)
        first[is_first], first[~is_first] = ranges.first, inner
        end[is_last], end[~is_last] = ranges.end, inner
        return parent, first, end

    def _coded(self, word: str) -> _Numbers:
        """The letters of a word by their places in the alphabet; _NOWHERE for those that are not in it."""
        points = np.array([ord(letter) for letter in word], dtype=np.int64)
        if not self._alphabet.size:
            return np.full_like(points, _NOWHERE)
        places = np.minimum(np.searchsorted(self._alphabet, points), self._alphabet.size - 1)
        return np.where(self._alphabet[places] == points, places, _NOWHERE)


def _next_errors(ranges: _Ranges, parent: _Numbers, letter: _Numbers, wanted: _Numbers, most: int) -> NDArray[np.int8]:
    """The rows of errors of ranges with one more letter each. Errors beyond `most` count as one more than that."""
    above, column = ranges.errors[parent], letter[:, np.newaxis]
    errors = above + np.int8(1)  # the letter is one too many
    np.minimum(errors[:, 1:], above[:, :-1] + (wanted != column), out=errors[:, 1:])
    is_swapped = (wanted[1:] == ranges.last[parent][:, np.newaxis]) & (wanted[:-1] == column)
    swapped = np.where(is_swapped, ranges.before[parent][:, :-2] + np.int8(1), np.int8(most + 1))
    np.minimum(errors[:, 2:], swapped, out=errors[:, 2:])
    # A letter is missing: one error more than the place to the left.
    slope = np.arange(errors.shape[1], dtype=np.int16)
    missing = np.minimum.accumulate(errors - slope, axis=1) + slope
    found: NDArray[np.int8] = np.minimum(missing, most + 1).astype(np.int8)
    return found


def _alphabet(points: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[Any]]:
    """The distinct code points, ascending, and the place of each point among them."""
    chunks = [points[first : first + _POINTS] for first in range(0, points.size, _POINTS)]
    is_used = np.zeros(sys.maxunicode + 1, dtype=np.bool_)
    for chunk in chunks:
        is_used[chunk] = True
    alphabet = np.flatnonzero(is_used).astype(np.uint32)
    place = np.zeros(is_used.size, dtype=np.min_scalar_type(max(alphabet.size, 1)))
    place[alphabet] = np.arange(alphabet.size)
    return alphabet, np.concatenate([place[:0], *(place[chunk] for chunk in chunks)])


def _shared(letters: NDArray[Any], starts: _Numbers) -> _Numbers:
    """How many letters each word shares with the beginning of the word before it."""
    shared = np.zeros(max(starts.size - 1, 1), dtype=np.int64)
    lengths = np.diff(starts)
    left = np.arange(1, lengths.size)
    depth = 0
    while left.size:
        left = left[np.minimum(lengths[left], lengths[left - 1]) > depth]
        left = left[letters[starts[left] + depth] == letters[starts[left - 1] + depth]]
        depth += 1
        shared[left] = depth
    return shared
