"""The window of a page: which matches stand at positions skip .. skip+take-1 of an order.

The order is by key, unset keys last in both directions, equal keys by ascending ordinal. Nothing is sorted
but the page: keys are bracketed with the help of a sample, then partitioned, and ties are cut, not sorted.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.bitmaps import Ordinals, to_ordinals
from regulars.audience.columns import Values

_SAMPLE: Final = 2_048
_BRACKET_FROM: Final = 32_768
"""Below this many matches a partition of all of them is as fast as a bracket."""

_LOWEST: Final = int(np.iinfo(np.int64).min)
_HIGHEST: Final = int(np.iinfo(np.int64).max)


def window(matches: BitMap, values: Values, *, skip: int, take: int, descending: bool) -> Ordinals:
    """The ordinals of the page. `values` holds the key of every ordinal of the index; NULL is unset."""
    total = len(matches)
    stop = min(skip + take, total)
    if skip >= stop:
        return np.empty(0, dtype=np.uint32)
    if total == values.size:
        ordinals: Ordinals = np.arange(0, dtype=np.uint32)
        found = values
    else:
        ordinals = to_ordinals(matches)
        found = values[ordinals]
    if total >= _BRACKET_FROM:
        before, inside = _bracket(found, skip, stop, descending)
        ordinals = ordinals[inside] if total != values.size else inside.astype(np.uint32)
        found = found[inside]
        skip, stop = skip - before, stop - before
    elif total == values.size:
        ordinals = np.arange(total, dtype=np.uint32)
    page: Ordinals = ordinals[_cut(_keys(found, descending), skip, stop)]
    return page


def by_ordinal(matches: BitMap, *, skip: int, take: int, descending: bool) -> Ordinals:
    """The page of the order of creation: ordinals themselves."""
    total = len(matches)
    stop = min(skip + take, total)
    if skip >= stop:
        return np.empty(0, dtype=np.uint32)
    if not descending:
        return to_ordinals(matches[skip:stop])
    return to_ordinals(matches[total - stop : total - skip])[::-1]


def _keys(values: Values, descending: bool) -> Values:
    """Keys whose ascending order is the wanted one; NULL (int64 min) becomes int64 max, so it stands last."""
    return ~values if descending else values - 1  # min - 1 wraps to max


def _bracket(values: Values, skip: int, stop: int, descending: bool) -> tuple[int, NDArray[np.intp]]:
    """(how many stand before the bracket, the positions inside it), where skip..stop lies inside it."""
    total = values.size
    sample = np.sort(_keys(values[:: max(1, total // _SAMPLE)], descending))
    # Four standard deviations of the rank of a sampled key; a bracket that misses is widened to everything.
    margin = 2 * sample.size**0.5 + 1
    first = int(skip * sample.size / total - margin)
    last = int(stop * sample.size / total + margin) + 1
    low = int(sample[first]) if first > 0 else _LOWEST
    high = int(sample[last]) if last < sample.size else _HIGHEST
    if low == _LOWEST and high == _HIGHEST:
        return 0, np.arange(total)
    if low > _LOWEST and high < _HIGHEST:
        keys = _keys(values, descending)
        before = int(np.count_nonzero(keys < low))
        inside = np.flatnonzero((keys >= low) & (keys <= high))
    elif high < _HIGHEST:  # the first pages: one comparison of the column as it is (key <= high)
        before = 0
        within = values >= ~high if descending else values <= high + 1
        inside = np.flatnonzero(within)
        if not descending:
            inside = inside[values[inside] != _LOWEST]
    else:  # the last pages: key >= low, the unset ones included
        within = values <= ~low if descending else (values > low) | (values == _LOWEST)
        inside = np.flatnonzero(within)
        before = total - inside.size
    if before <= skip and before + inside.size >= stop:
        return before, inside
    return 0, np.arange(total)


def _cut(keys: Values, skip: int, stop: int) -> NDArray[Any]:
    """The positions of ranks skip..stop-1 by (key, position)."""
    last = stop - 1
    parted = np.partition(keys, [skip, last])
    low, high = parted[skip], parted[last]
    before = int(np.count_nonzero(parted[:skip] < low))
    ties = np.flatnonzero(keys == low)[skip - before :]
    if low == high:
        return ties[: stop - skip]
    middle = np.flatnonzero((keys > low) & (keys < high))
    middle = middle[np.argsort(keys[middle], kind="stable")]
    end = np.flatnonzero(keys == high)[: stop - skip - ties.size - middle.size]
    return np.concatenate([ties, middle, end])
