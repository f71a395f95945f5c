"""Columns: one int64 value per ordinal, and the mapping between ordinals and customer numbers."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, from_mask, from_ordinals, to_ordinals
from regulars.domain.changes import NULL

Values = NDArray[np.int64]
"""Values of a column; NULL where unset."""

GATHER_FACTOR: Final = 8
"""Up to one candidate in this many ordinals, their values are gathered; beyond, the whole column is compared."""

_BLOCK: Final = 32_768
"""Values compared at a time, few enough to stay in the CPU cache."""


class Growable:
    """An array that can be extended in amortised constant time per element."""

    def __init__(self, dtype: type[np.generic], fill: int) -> None:
        self._dtype = dtype
        self._fill = fill
        self._room: NDArray[Any] = np.full(16, fill, dtype=dtype)
        self.size = 0

    @property
    def values(self) -> NDArray[Any]:
        """A view of the current values; it goes stale when the array grows."""
        return self._room[: self.size]

    def grow(self, size: int) -> None:
        """Extend the array to at least `size` elements, padding with the fill value."""
        if size <= self.size:
            return
        if size > self._room.size:
            room = np.full(max(size, self._room.size * 3 // 2), self._fill, dtype=self._dtype)
            room[: self.size] = self.values
            self._room = room
        self.size = size

    def adopt(self, values: NDArray[Any]) -> None:
        """Use this array as the storage, without copying it."""
        self._room = values
        self.size = values.size

    def extend(self, values: NDArray[Any]) -> None:
        """Append values."""
        start = self.size
        self.grow(start + values.size)
        self._room[start : self.size] = values

    def __setitem__(self, position: int, value: int) -> None:
        self._room[position] = value

    @property
    def nbytes(self) -> int:
        """Memory use in bytes."""
        return int(self._room.nbytes)


class Column(Growable):
    """A number or a time (ms) for every customer; NULL where it is unset.

    Some columns ascend with the ordinals, as creation times do. A column detects this and then answers faster.
    """

    def __init__(self) -> None:
        super().__init__(np.int64, NULL)
        self._ascending = 0  # length of the prefix in which all values are set and ascend
        self._watches: tuple[BitMap, ...] = ()

    def watch(self) -> BitMap:
        """Return a bitmap that collects the positions of all values written from now on."""
        watch = BitMap()
        self._watches += (watch,)
        return watch

    def unwatch(self, watch: BitMap) -> None:
        """Stop collecting positions in this bitmap."""
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

    def fill(self, positions: BitMap, value: int) -> None:
        """Write one value, which is not NULL, at many positions."""
        if not positions:
            return
        self._room[to_ordinals(positions)] = value
        for watch in self._watches:
            watch |= positions
        self._ascending = min(self._ascending, positions.min())

    def adopt(self, values: NDArray[Any]) -> None:
        """Use this array as the storage, without copying it."""
        super().adopt(values)
        self._ascending = 0
        self._measure(0)

    def load(self, start: int, values: Values) -> None:
        """Write values from `start` on; the column must already be long enough."""
        stop = start + values.size
        self._room[start:stop] = values
        if self._ascending == start:
            self._measure(stop)

    def _measure(self, stop: int) -> None:
        """Extend the known ascending prefix as far as it goes, up to `stop` (0: the end)."""
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
        """The ordinals in `within` whose value is set and in low..high, inclusive; None means no bound."""
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
    """Clamp a range to the values that a column can hold; an upper bound of None means unbounded.

    Returns None for an empty range.
    """
    low = NULL + 1 if low is None else max(low, NULL + 1)
    high = None if high is None or high >= -(NULL + 1) else high
    return None if low > -(NULL + 1) or (high is not None and high < low) else (low, high)


def _inside(values: Values, low: int, high: int | None) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.empty(values.size, dtype=np.bool_)
    # As unsigned offsets from `low`, smaller values wrap around to very large ones: one comparison instead of two.
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
    """Maps customer numbers to ordinals and back.

    Both are assigned in ascending order, so ordinals and numbers sort alike. An ordinal is never reused while the
    index lives.
    """

    def __init__(self) -> None:
        self._numbers = Growable(np.uint32, 0)
        self._dense = True  # ordinal = number - 1, true as long as the numbers have no gaps

    def __len__(self) -> int:
        return self._numbers.size

    @property
    def last(self) -> int:
        """The highest number, 0 if there is none."""
        return int(self._numbers.values[-1]) if len(self) else 0

    @property
    def nbytes(self) -> int:
        """Memory use in bytes."""
        return self._numbers.nbytes

    @property
    def values(self) -> NDArray[np.uint32]:
        """Every number, by ordinal."""
        return self._numbers.values

    def adopt(self, numbers: NDArray[Any]) -> None:
        """Use this array of ascending numbers as the storage, without copying it."""
        self._numbers.adopt(numbers)
        self._dense = self.last == len(self)

    def append(self, numbers: NDArray[Any]) -> range:
        """Assign ordinals to new customers and return them. Raises ValueError unless the numbers ascend."""
        start = len(self)
        if numbers.size and (int(numbers[0]) <= self.last or not bool(np.all(numbers[1:] > numbers[:-1]))):
            raise ValueError("customer numbers must ascend")
        self._numbers.extend(numbers)
        self._dense = self._dense and self.last == len(self)
        return range(start, len(self))

    def add(self, number: int) -> int:
        """Assign an ordinal to one new customer and return it; like `append` for a single number."""
        ordinal = len(self)
        if number <= self.last:
            raise ValueError("customer numbers must ascend")
        self._numbers.grow(ordinal + 1)
        self._numbers[ordinal] = number
        self._dense = self._dense and number == ordinal + 1
        return ordinal

    def ordinal(self, number: int) -> int | None:
        """The ordinal of a customer, None if the number is unknown."""
        if self._dense:
            return number - 1 if 0 < number <= len(self) else None
        values = self._numbers.values
        position = self.below(number)
        return position if position < values.size and int(values[position]) == number else None

    def below(self, number: int) -> int:
        """The number of known customers with a lower number, that is the ordinal of the first one at or above it."""
        if self._dense:
            return min(max(number - 1, 0), len(self))
        if number > self.last:
            return len(self)
        # Use the array's own type: for a plain integer NumPy would copy the whole array into a wider one.
        return int(np.searchsorted(self._numbers.values, np.uint32(max(number, 0))))

    def ordinals(self, numbers: NDArray[np.uint32]) -> Ordinals:
        """The ordinals of those numbers that are known; unknown ones are left out."""
        if self._dense:
            known = numbers[(numbers > 0) & (numbers <= len(self))]
            return known - np.uint32(1)
        values = self._numbers.values
        positions = np.searchsorted(values, numbers)
        positions[positions == values.size] = 0
        return positions[values[positions] == numbers].astype(np.uint32) if values.size else numbers[:0]

    def positions(self, numbers: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The ordinal of each number; -1 for unknown ones."""
        if self._dense:
            positions = numbers.astype(np.int64) - 1
            positions[positions >= len(self)] = -1
            return positions
        values = self._numbers.values
        found = np.searchsorted(values, numbers)
        found[found == values.size] = 0
        return np.where(values[found] == numbers, found, -1) if values.size else np.full(numbers.size, -1)

    def numbers(self, ordinals: NDArray[Any]) -> NDArray[np.uint32]:
        """The customer numbers of ordinals."""
        numbers: NDArray[np.uint32] = self._numbers.values[ordinals]
        return numbers
