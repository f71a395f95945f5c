"""Bands: a column divided by value, with a bitmap of all customers below each cut.

A range is the difference of two such bitmaps, plus a scan of the bands in which it begins and ends. A page is found in
the band that holds its ranks. Results stay exact after later writes: customers written since are examined separately.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, approximate_bytes, from_mask, from_ordinals, to_ordinals
from regulars.audience.structures.columns import Column, Values
from regulars.audience.structures.window import cut, keys_of
from regulars.domain.changes import NULL

_SAMPLE: Final = 4_096
_BAND: Final = 65_536
"""Target number of customers per band, within the limits of _FEWEST and _MOST bands."""

_FEWEST: Final = 32
_MOST: Final = 128
_ENDS: Final = (0.005, 0.01, 0.02)
"""Extra cuts at these shares of the values from both ends, where most pages are read."""

_LARGE: Final = 4_096
"""Customers from which a band is worth dividing into bands of its own."""

_HIGHEST: Final = int(np.iinfo(np.int64).max)
_UNSET: Final = 2**16 - 1
_NOBODY: Final = BitMap()


class Bands:
    """The bands of `values` as of construction; `written` holds the ordinals whose values were written since.

    of: the ordinals to cover, by default all.
    """

    def __init__(self, values: Values, written: BitMap, of: Ordinals | None = None) -> None:
        self.written = written
        known = values if of is None else values[of]
        self._size = known.size
        self._cuts = _cuts(known[:: max(1, known.size // _SAMPLE)], min(max(_FEWEST, known.size // _BAND), _MOST))
        places = np.searchsorted(np.array(self._cuts, dtype=np.int64), known, side="right").astype(np.uint16)
        places[known == NULL] = _UNSET
        # The last one holds all customers whose value is set.
        self._below = [
            from_mask(places <= place) if of is None else from_ordinals(of[places <= place])
            for place in range(len(self._cuts) + 1)
        ]
        self._bands = [upper - lower for lower, upper in pairwise([_NOBODY, *self._below])]
        self._broken: dict[int, Bands | None] = {}

    @property
    def is_stale(self) -> bool:
        """Whether so much was written since that the bands should be rebuilt."""
        return len(self.written) > max(1_024, self._size // 64)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        inner = sum(each.nbytes for each in list(self._broken.values()) if each is not None)
        return inner + approximate_bytes([*self._below, *self._bands, self.written])

    def between(self, values: Values, low: int, high: int | None, within: BitMap) -> BitMap:
        """The ordinals in `within` whose value is set and in low..high, inclusive.

        `low` is above NULL; a `high` of None means no upper bound.
        """
        cuts, broken = self._cuts, set()
        first = -1
        if low > NULL + 1:
            first = bisect_left(cuts, low)
            if cuts[first : first + 1] != [low]:
                broken.add(first)
        last = len(cuts) + 1
        if high is not None:
            last = bisect_left(cuts, high + 1)
            if cuts[last : last + 1] != [high + 1]:
                broken.add(last)
            else:
                last += 1
        found: BitMap = within & (self._below[last - 1] if last else _NOBODY)
        if first >= 0:
            found -= self._below[first]
        for place in broken:
            bands = self._bands_of(place, values)
            if bands is not None:
                found |= bands.between(values, low, high, within)
            else:
                found |= _among(within & self._bands[place], values, low, high)
        if self.written:
            found -= self.written
            found |= _among(within & self.written, values, low, high)
        return found

    def _bands_of(self, place: int, values: Values) -> "Bands | None":
        """The inner bands of a large band that ranges have split before, as recent time windows do repeatedly."""
        if place not in self._broken:
            if len(self._bands[place]) >= _LARGE:
                self._broken[place] = None
            return None
        inner = self._broken[place]
        if inner is None:
            inner = self._broken[place] = Bands(values, _NOBODY, to_ordinals(self._bands[place]))
        return inner

    def window(self, matches: BitMap, values: Values, *, skip: int, take: int, descending: bool) -> Ordinals | None:
        """The ordinals of the page (see `window.window`); None if it is empty or reaches into the unset values."""
        steady = matches - self.written if self.written else matches
        moved = to_ordinals(matches & self.written)
        moved = moved[values[moved] != NULL]
        others = np.sort(values[moved])

        @cache
        def standing(place: int) -> int:
            """The number of matches with a value below the cut."""
            if place < 0:
                return 0
            fewer = others.size if place == len(self._cuts) else int(np.searchsorted(others, self._cuts[place]))
            return steady.intersection_cardinality(self._below[place]) + fewer

        total = standing(len(self._cuts))
        stop = min(skip + take, len(matches))
        if not skip < stop <= total:
            return None
        first, last = (total - stop, total - skip) if descending else (skip, stop)
        end = len(self._cuts)
        if descending and standing(end - 1) <= first:
            low, high = end - 1, end  # most requests are for a first page
        elif not descending and standing(0) >= last:
            low, high = -1, 0
        else:
            low = bisect_right(range(end + 1), first, key=standing) - 1
            high = bisect_left(range(end + 1), last, key=standing)
        before = total - standing(high) if descending else standing(low)
        near = steady & self._below[high]
        if low >= 0:
            near -= self._below[low]
        if moved.size:
            is_near = np.ones(moved.size, dtype=np.bool_)
            if low >= 0:
                is_near &= values[moved] >= self._cuts[low]
            if high < len(self._cuts):
                is_near &= values[moved] < self._cuts[high]
            near |= from_ordinals(moved[is_near])
        if high == low + 1 < len(self._cuts) and low >= 0 and self._cuts[high] == self._cuts[low] + 1:
            return to_ordinals(near[skip - before : stop - before])  # all have the same value
        ordinals = to_ordinals(near)
        page: Ordinals = ordinals[cut(keys_of(values[ordinals], descending), skip - before, stop - before)]
        return page


def _among(candidates: BitMap, values: Values, low: int, high: int | None) -> BitMap:
    """The candidates whose value is in the range, found by examining each."""
    ordinals = to_ordinals(candidates)
    known = values[ordinals]
    inside: NDArray[np.bool_] = known >= low
    if high is not None:
        inside &= known <= high
    return from_ordinals(ordinals[inside])


def _cuts(sample: Values, bands: int) -> list[int]:
    """Values that divide a column into about `bands` equal bands; a frequent value gets a band of its own."""
    known = np.sort(sample[sample != NULL])
    if not known.size:
        return []
    shares = sorted((*_ENDS, *(part / bands for part in range(1, bands)), *(1 - share for share in _ENDS)))
    chosen = known[[int(share * known.size) for share in shares]].tolist()
    cuts = set(chosen)
    cuts.update(value + 1 for value, following in pairwise(chosen) if value == following < _HIGHEST)
    return sorted(cuts)


class Banding:
    """The bands of one column, built when it is queried for the second time and rebuilt after many writes."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._bands: Bands | None = None
        self._asked = 0

    def ask(self) -> Bands | None:
        """Count a query and return the bands, None if they are not built yet."""
        self._asked += 1
        return self._bands

    @property
    def is_cut(self) -> bool:
        """Whether the bands are built."""
        return self._bands is not None

    @property
    def is_due(self) -> bool:
        """Whether the bands should be built or rebuilt."""
        return self._asked > 1 and (self._bands is None or self._bands.is_stale)

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        return 0 if self._bands is None else self._bands.nbytes

    def capture(self) -> Callable[[], None]:
        """Return a function that builds the bands of the column as it is now.

        The column must not be written during this call; it may be written while the returned function runs.
        """
        values, written = self._column.values.copy(), self._column.watch()

        def cut_it() -> None:
            old, self._bands = self._bands, Bands(values, written)
            self._asked = 0
            if old is not None:
                self._column.unwatch(old.written)

        return cut_it
