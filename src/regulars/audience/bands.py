"""Bands: a column cut by value, with the bitmap of everybody below each cut.

A range is the difference of two such bitmaps, but for a look at the bands in which it begins and ends; a page is
found in the band of its ranks. Exact whatever is written meanwhile: who was written since is looked at as well.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.bitmaps import Ordinals, approximate_bytes, from_mask, from_ordinals, to_ordinals
from regulars.audience.columns import Column, Values
from regulars.audience.window import cut, keys_of
from regulars.domain.changes import NULL

_SAMPLE: Final = 4_096
_BAND: Final = 65_536
"""Customers in a band, as long as that makes neither fewer than _FEWEST bands nor more than _MOST."""

_FEWEST: Final = 32
_MOST: Final = 128
_ENDS: Final = (0.005, 0.01, 0.02)
"""Shares of the values for further cuts at both ends, where pages are mostly looked at."""

_HIGHEST: Final = int(np.iinfo(np.int64).max)
_UNSET: Final = 2**16 - 1
_NOBODY: Final = BitMap()


class Bands:
    """The bands of `values` as they were; `written` are the ordinals whose values were written since."""

    def __init__(self, values: Values, written: BitMap) -> None:
        self.written = written
        self._size = values.size
        self._cuts = _cuts(values[:: max(1, values.size // _SAMPLE)], min(max(_FEWEST, values.size // _BAND), _MOST))
        places = np.searchsorted(np.array(self._cuts, dtype=np.int64), values, side="right").astype(np.uint16)
        places[values == NULL] = _UNSET
        # The last one is of everybody whose value is set.
        self._below = [from_mask(places <= place) for place in range(len(self._cuts) + 1)]
        self._bands = [upper - lower for lower, upper in pairwise([_NOBODY, *self._below])]

    @property
    def is_stale(self) -> bool:
        """Whether so much was written since that the column had better be cut anew."""
        return len(self.written) > max(1_024, self._size // 64)

    @property
    def nbytes(self) -> int:
        """About how much memory they take, in bytes."""
        return approximate_bytes([*self._below, *self._bands, self.written])

    def between(self, values: Values, low: int, high: int | None, within: BitMap) -> BitMap:
        """Those of `within` whose value is set and lies in low..high; `low` is above NULL, None is no bound."""
        cuts, broken = self._cuts, set()
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
        found -= self._below[first]
        for place in broken:
            ordinals = to_ordinals(within & self._bands[place])
            found |= from_ordinals(ordinals[_inside(values[ordinals], low, high)])
        if self.written:
            found -= self.written
            ordinals = to_ordinals(within & self.written)
            found |= from_ordinals(ordinals[_inside(values[ordinals], low, high)])
        return found

    def window(self, matches: BitMap, values: Values, *, skip: int, take: int, descending: bool) -> Ordinals | None:
        """The ordinals of the page (see `window.window`); None for one that goes on among those who are unset."""
        steady = matches - self.written if self.written else matches
        moved = to_ordinals(matches & self.written)
        moved = moved[values[moved] != NULL]
        others = np.sort(values[moved])

        @cache
        def standing(place: int) -> int:
            """How many matches have a value below the cut."""
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
            low, high = end - 1, end  # mostly it is a first page that is looked at
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
            return to_ordinals(near[skip - before : stop - before])  # all of one value
        ordinals = to_ordinals(near)
        page: Ordinals = ordinals[cut(keys_of(values[ordinals], descending), skip - before, stop - before)]
        return page


def _inside(values: Values, low: int, high: int | None) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = values >= low
    if high is not None:
        inside &= values <= high
    return inside


def _cuts(sample: Values, bands: int) -> list[int]:
    """Values that cut a column into about so many equal bands; one that many have gets a band of its own."""
    known = np.sort(sample[sample != NULL])
    if not known.size:
        return []
    shares = sorted((*_ENDS, *(part / bands for part in range(1, bands)), *(1 - share for share in _ENDS)))
    chosen = known[[int(share * known.size) for share in shares]].tolist()
    cuts = set(chosen)
    cuts.update(value + 1 for value, following in pairwise(chosen) if value == following < _HIGHEST)
    return sorted(cuts)


class Banding:
    """The bands of one column, cut when it is asked about for the second time, and anew when much was written."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._bands: Bands | None = None
        self._asked = 0

    def ask(self) -> Bands | None:
        """The bands, if there are any yet."""
        self._asked += 1
        return self._bands

    @property
    def is_cut(self) -> bool:
        """Whether there are bands."""
        return self._bands is not None

    @property
    def is_due(self) -> bool:
        """Whether the column should be cut, or cut anew."""
        return self._asked > 1 and (self._bands is None or self._bands.is_stale)

    @property
    def nbytes(self) -> int:
        """About how much memory they take, in bytes."""
        return 0 if self._bands is None else self._bands.nbytes

    def capture(self) -> Callable[[], None]:
        """What cuts the column as it is now; nothing may be written during this call, but during the cutting."""
        values, written = self._column.values.copy(), self._column.watch()

        def cut_it() -> None:
            old, self._bands = self._bands, Bands(values, written)
            self._asked = 0
            if old is not None:
                self._column.unwatch(old.written)

        return cut_it
