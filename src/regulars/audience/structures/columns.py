"""Columns: one int64 value per ordinal, and the numbers that ordinals stand for."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, from_mask, from_ordinals, to_ordinals
from regulars.domain.changes import NULL

Values = NDArray[np.int64]
"""Values of a column; NULL where unset."""

GATHER_FACTOR: Final = 8
"""Values of a set of at most one ordinal in this many are gathered; of more, the whole column is compared."""

_BLOCK: Final = 32_768
"""Values compared at a time: they stay in the processor's cache meanwhile."""


class Growable:
    """An array that grows at its end in amortised constant time."""

    def __init__(self, dtype: type[np.generic], fill: int) -> None:
        self._dtype = dtype
        self._fill = fill
        self._room: NDArray[Any] = np.full(16, fill, dtype=dtype)
        self.size = 0

    @property
    def values(self) -> NDArray[Any]:
        """A view of what is there; it goes stale when the array grows."""
        return self._room[: self.size]

    def grow(self, size: int) -> None:
        """Make it at least `size` long, filled up with the fill value."""
        if size <= self.size:
            return
        if size > self._room.size:
            room = np.full(max(size, self._room.size * 3 // 2), self._fill, dtype=self._dtype)
            room[: self.size] = self.values
            self._room = room
        self.size = size

    def adopt(self, values: NDArray[Any]) -> None:
        """Take this array for one's own, all of it."""
        self._room = values
        self.size = values.size

    def extend(self, values: NDArray[Any]) -> None:
        """Put values behind the last one."""
        start = self.size
        self.grow(start + values.size)
        self._room[start : self.size] = values

    def __setitem__(self, position: int, value: int) -> None:
        self._room[position] = value

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return int(self._room.nbytes)


class Column(Growable):
    """A number or a time (ms) of every customer; NULL where it is unset.

    A column may happen to ascend with the ordinals, as times of creation do; it knows when, and answers faster then.
    """

    def __init__(self) -> None:
        super().__init__(np.int64, NULL)
        self._ascending = 0  # so many values from the first one on are set and ascend
        self._watches: tuple[BitMap, ...] = ()

    def watch(self) -> BitMap:
        """A bitmap that the positions of all values written from now on are put in."""
        watch = BitMap()
        self._watches += (watch,)
        return watch

    def unwatch(self, watch: BitMap) -> None:
        """Put nothing more in this bitmap."""
        self._watches = tuple(each for each in self._watches if each is not watch)

    @property
    def is_ascending(self) -> bool:
        """Whether every value is set and at least its predecessor."""
        return self._ascending == self.size

    def __setitem__(self, position: int, value: int) -> None:
        room, ascending = self._room, self._ascending
        room[position] = value
        for watch in self._watches:
            watch.add(position)
        if position < ascending:
            follows = position + 1 == ascending or value <= room[position + 1]
            if value == NULL or not follows or (position > 0 and value < room[position - 1]):
                self._ascending = position
        elif position == ascending and value != NULL and (position == 0 or value >= room[position - 1]):
            self._ascending = position + 1

    def adopt(self, values: NDArray[Any]) -> None:
        """Take this array for one's own, all of it."""
        super().adopt(values)
        self._ascending = 0
        self._measure(0)

    def load(self, start: int, values: Values) -> None:
        """Put values at `start` and behind it, where there is room for them already."""
        stop = start + values.size
        self._room[start:stop] = values
        if self._ascending == start:
            self._measure(stop)

    def _measure(self, stop: int) -> None:
        """Look from where the values ascend how far they go on doing so."""
        stop = stop or self.size
        for start in range(max(self._ascending - 1, 0), stop, _BLOCK):
            known = self._room[start : min(start + _BLOCK + 1, stop)]
            if known[0] == NULL:
                return
            falls = np.flatnonzero(known[1:] < known[:-1])  # NULL is below every value
            self._ascending = start + (1 + int(falls[0]) if falls.size else known.size)
            if falls.size:
                return

    def between(self, low: int | None, high: int | None, within: BitMap) -> BitMap:
        """Those of `within` whose value is set and lies in low..high, both included; None is no bound."""
        bounds = bounded(low, high)
        if bounds is None:
            return BitMap()
        low, high = bounds
        values: Values = self.values
        if self.is_ascending:
            first = int(np.searchsorted(values, low))
            last = values.size if high is None else int(np.searchsorted(values, high, side="right"))
            return within & BitMap(range(first, last))
        if len(within) * GATHER_FACTOR > values.size:
            return from_mask(_inside(values, low, high)) & within
        ordinals = to_ordinals(within)
        return from_ordinals(ordinals[_inside(values[ordinals], low, high)])


def bounded(low: int | None, high: int | None) -> tuple[int, int | None] | None:
    """The bounds of a range of values that a column can hold, the upper one None where there is none.

    None for a range in which no value lies.
    """
    low = NULL + 1 if low is None else max(low, NULL + 1)
    high = None if high is None or high >= -(NULL + 1) else high
    return None if low > -(NULL + 1) or (high is not None and high < low) else (low, high)


def _inside(values: Values, low: int, high: int | None) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.empty(values.size, dtype=np.bool_)
    # Counted from `low` upwards and without a sign, what is below stands above everything: one comparison for two.
    room = np.empty(min(_BLOCK, values.size), dtype=np.int64)
    for start in range(0, values.size, _BLOCK):
        block, out = values[start : start + _BLOCK], inside[start : start + _BLOCK]
        if high is None:
            np.greater_equal(block, low, out=out)
        else:
            above = np.subtract(block, low, out=room[: block.size])
            np.less_equal(above.view(np.uint64), np.uint64(high - low), out=out)
    return inside


class Numbering:
    """The ordinals of customer numbers.

    Numbers are handed out in ascending order and so are ordinals: the order of ordinals is the order of
    numbers. An ordinal is never reused while the index lives.
    """

    def __init__(self) -> None:
        self._numbers = Growable(np.uint32, 0)
        self._dense = True  # ordinal = number - 1, as long as nobody was missing when the index was loaded

    def __len__(self) -> int:
        return self._numbers.size

    @property
    def last(self) -> int:
        """The highest number, 0 if there is none."""
        return int(self._numbers.values[-1]) if len(self) else 0

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self._numbers.nbytes

    @property
    def values(self) -> NDArray[np.uint32]:
        """Every number, by ordinal."""
        return self._numbers.values

    def adopt(self, numbers: NDArray[Any]) -> None:
        """Take these numbers for one's own, which ascend."""
        self._numbers.adopt(numbers)
        self._dense = self.last == len(self)

    def append(self, numbers: NDArray[Any]) -> range:
        """Number new customers; returns their ordinals. Raises ValueError unless the numbers ascend."""
        start = len(self)
        if numbers.size and (int(numbers[0]) <= self.last or not bool(np.all(numbers[1:] > numbers[:-1]))):
            raise ValueError("customer numbers must ascend")
        self._numbers.extend(numbers)
        self._dense = self._dense and self.last == len(self)
        return range(start, len(self))

    def add(self, number: int) -> int:
        """Number one new customer, as `append` does many; returns its ordinal."""
        ordinal = len(self)
        if number <= self.last:
            raise ValueError("customer numbers must ascend")
        self._numbers.grow(ordinal + 1)
        self._numbers[ordinal] = number
        self._dense = self._dense and number == ordinal + 1
        return ordinal

    def ordinal(self, number: int) -> int | None:
        """The ordinal of a customer, None for one that is not known here."""
        if self._dense:
            return number - 1 if 0 < number <= len(self) else None
        values = self._numbers.values
        position = self.below(number)
        return position if position < values.size and int(values[position]) == number else None

    def below(self, number: int) -> int:
        """How many of the customers known here have a lower number: the ordinal of the first that has not."""
        if self._dense:
            return min(max(number - 1, 0), len(self))
        if number > self.last:
            return len(self)
        # Of the array's own type: for a plain integer NumPy would copy the whole array into a wider one.
        return int(np.searchsorted(self._numbers.values, np.uint32(max(number, 0))))

    def ordinals(self, numbers: NDArray[np.uint32]) -> Ordinals:
        """The ordinals of those of the numbers that are known here."""
        if self._dense:
            known = numbers[(numbers > 0) & (numbers <= len(self))]
            return known - np.uint32(1)
        values = self._numbers.values
        positions = np.searchsorted(values, numbers)
        positions[positions == values.size] = 0
        return positions[values[positions] == numbers].astype(np.uint32) if values.size else numbers[:0]

    def numbers(self, ordinals: NDArray[Any]) -> NDArray[np.uint32]:
        """The customer numbers of ordinals."""
        numbers: NDArray[np.uint32] = self._numbers.values[ordinals]
        return numbers
