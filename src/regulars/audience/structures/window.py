"""The window of a page: the matches at positions skip .. skip+take-1 of a sort order.

Matches are ordered by key, with unset keys last in both directions and equal keys by ascending ordinal. Only the page
itself is sorted: a sample brackets the keys, which are then partitioned; ties are sliced, not sorted.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.structures.bitmaps import Ordinals, from_mask, from_ordinals, to_ordinals
from regulars.audience.structures.columns import Values

_SAMPLE: Final = 2_048
LARGE: Final = 16_384
DENSE: Final = 8
"""With at least LARGE matches and one customer in DENSE matching, keys are bracketed in the whole column, not
gathered."""

MANY: Final = 4_096
"""Number of keys above which a sample of them is used to narrow the search."""

_SAMPLED: Final = 512
"""Approximate number of keys in such a sample."""

_LOWEST: Final = int(np.iinfo(np.int64).min)
_HIGHEST: Final = int(np.iinfo(np.int64).max)


def window(matches: BitMap, values: Values, *, skip: int, take: int, descending: bool) -> Ordinals:
    """The ordinals of the page. `values` holds the key of every ordinal of the index; NULL is unset."""
    total = len(matches)
    stop = min(skip + take, total)
    if skip >= stop:
        return np.empty(0, dtype=np.uint32)
    before, near, is_tied = 0, matches, False
    if total >= LARGE and total * DENSE >= values.size:
        before, near, is_tied = _bracket(matches, values, skip, stop, descending)
    if is_tied:
        return to_ordinals(near[skip - before : stop - before])
    ordinals = to_ordinals(near)
    page: Ordinals = ordinals[cut(keys_of(values[ordinals], descending), skip - before, stop - before)]
    return page


def ordered_window(matches: BitMap, values: Values, *, skip: int, take: int, descending: bool) -> Ordinals:
    """`window` for a column whose keys are all set and ascend: only the page's own keys are read."""
    total = len(matches)
    stop = min(skip + take, total)
    if skip >= stop or not descending:
        return by_ordinal(matches, skip=skip, take=take, descending=False)
    near = to_ordinals(matches[max(total - stop - 1, 0) : total - skip + 1])  # the page plus one match at either end
    keys = values[near]
    if bool((keys[1:] > keys[:-1]).all()):
        return near[int(stop < total) : near.size - (skip > 0)][::-1]
    # Read from the end backwards. Equal keys keep their ascending order, so each group of them is taken as a whole.
    lowest, highest = values[matches[total - stop]], values[matches[total - skip - 1]]
    first = int(np.searchsorted(values, lowest))
    last = int(np.searchsorted(values, highest, side="right"))
    near = to_ordinals(matches & BitMap(range(first, last)))
    before = total - matches.rank(last - 1)
    if near.size >= LARGE:
        return window(matches, values, skip=skip, take=take, descending=True)
    page: Ordinals = near[cut(~values[near], skip - before, stop - before)]
    return page


def by_ordinal(matches: BitMap, *, skip: int, take: int, descending: bool) -> Ordinals:
    """The page in order of creation, that is by ordinal."""
    total = len(matches)
    stop = min(skip + take, total)
    if skip >= stop:
        return np.empty(0, dtype=np.uint32)
    if not descending:
        return to_ordinals(matches[skip:stop])
    return to_ordinals(matches[total - stop : total - skip])[::-1]


def rank(matches: BitMap, values: Values, value: int, ordinal: int, *, descending: bool) -> int:
    """The number of matches before the position of a customer with this ordinal and value (NULL: unset).

    The customer need not be a match.
    """
    key = _key(value, descending)
    if len(matches) * DENSE >= values.size:
        before = _up_to(values, key, descending)
        before[ordinal:] &= values[ordinal:] != value
        return matches.intersection_cardinality(from_mask(before))
    ordinals = to_ordinals(matches)
    keys = keys_of(values[ordinals], descending)
    return int(np.count_nonzero((keys < key) | ((keys == key) & (ordinals < ordinal))))


def ordered_rank(matches: BitMap, values: Values, value: int, ordinal: int, *, descending: bool) -> int:
    """`rank` for a column whose keys are all set and ascend: two binary searches."""
    total = len(matches)
    if value == _LOWEST:
        return total
    first = int(np.searchsorted(values, value))
    last = int(np.searchsorted(values, value, side="right"))
    equal = min(max(ordinal, first), last)  # equal values with a lower ordinal come first
    if descending:
        return total - _below(matches, last) + _below(matches, equal) - _below(matches, first)
    return _below(matches, equal)


def _below(matches: BitMap, ordinal: int) -> int:
    """The number of matches with a lower ordinal."""
    return matches.rank(ordinal - 1) if ordinal else 0


def _key(value: int, descending: bool) -> int:
    """`keys_of` of a single value."""
    if value == _LOWEST:
        return _HIGHEST
    return ~value if descending else value - 1


def keys_of(values: Values, descending: bool) -> Values:
    """Keys whose ascending order is the requested one; NULL (int64 min) becomes int64 max, so it sorts last."""
    return ~values if descending else values - 1  # min - 1 wraps to max


def _bracket(matches: BitMap, values: Values, skip: int, stop: int, descending: bool) -> tuple[int, BitMap, bool]:
    """(number of matches before the bracket, the matches inside it, whether those all have the same key).

    The bracket contains skip..stop.
    """
    total = len(matches)
    sampled = matches & from_ordinals(np.arange(0, values.size, max(1, values.size // _SAMPLE)))
    sample = np.sort(keys_of(values[to_ordinals(sampled)], descending))
    first, last = _sample_bounds(skip / total, stop / total, sample.size)
    before, near, is_tied = 0, matches, False
    low, high = (int(key) for key in sample[[max(first, 0), min(last, sample.size - 1)]]) if sample.size else (0, 1)
    if low == high:  # a frequent value: count the matches before it, examine none of its own
        near, is_tied = near & from_mask(_up_to(values, high, descending)), True
    elif last < sample.size:
        near = near & from_mask(_up_to(values, high, descending))
    if low == high or first > 0:
        lower = matches & from_mask(_up_to(values, low - 1, descending))
        before = len(lower)
        near = near - lower
    return (before, near, is_tied) if before <= skip and before + len(near) >= stop else (0, matches, False)


def _sample_bounds(start: float, stop: float, size: int) -> tuple[int, int]:
    """The positions in a sorted sample whose keys enclose the ranks start .. stop (shares of all); may be out of range.

    The margin is four standard deviations of a sampled key's rank. A sample is no proof: callers must check counts.
    """

    def margin(share: float) -> float:
        return 4 * math.sqrt(size * share * (1 - share)) + 4

    return int(start * size - margin(start)), int(stop * size + margin(stop)) + 1


def _up_to(values: Values, key: int, descending: bool) -> NDArray[np.bool_]:
    """A mask of the values whose key (see keys_of) is at most this one, computed without materialising keys."""
    if descending:
        found: NDArray[np.bool_] = values >= ~key
        return found
    if key == _HIGHEST:
        return np.ones(values.size, dtype=np.bool_)
    found = values <= key + 1
    found &= values != _LOWEST
    return found


def cut(keys: Values, skip: int, stop: int) -> NDArray[Any]:
    """The positions of ranks skip..stop-1 by (key, position)."""
    if keys.size > MANY:
        before, near = _near(keys, skip, stop)
        if near is not None:
            found: NDArray[Any] = near[_ranked(keys[near], skip - before, stop - before)]
            return found
    return _ranked(keys, skip, stop)


def _near(keys: Values, skip: int, stop: int) -> tuple[int, NDArray[Any] | None]:
    """(number of keys before, positions of the few keys that include the ranks); None if the sample was misleading.

    Two comparisons with bounds from a sample cost a third of locating the bounds exactly among all keys.
    """
    sample = np.sort(keys[:: keys.size // _SAMPLED])
    first, last = _sample_bounds(skip / keys.size, stop / keys.size, sample.size)
    inside = keys <= sample[last] if last < sample.size else np.ones(keys.size, dtype=np.bool_)
    before = 0
    if first > 0:
        lower = keys < sample[first]
        before = int(np.count_nonzero(lower))
        inside &= ~lower
    near = np.flatnonzero(inside)
    return (before, near) if before <= skip and before + near.size >= stop else (0, None)


def _ranked(keys: Values, skip: int, stop: int) -> NDArray[Any]:
    """`cut`, examining every key."""
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
