"""Leaders: the customers who stand first in a column's order, kept so that a first page looks at nobody else.

A page of a large set is found among those of its members who lead the whole site: there are enough of them, unless
what selects the set also keeps it from the front. Exact all the same, as whoever was written since is looked at too.
"""

import threading
from typing import Final

import numpy as np
from pyroaring import BitMap

from regulars.audience.bitmaps import Ordinals, approximate_bytes, from_mask, from_ordinals, to_ordinals
from regulars.audience.columns import Column, Values
from regulars.audience.window import cut, keys_of

_FEWEST: Final = 4_096
_SHARE: Final = 32
"""The leaders are one customer in so many, and at least _FEWEST."""

_FIRST: Final = 512
"""Of so many leaders the order is known as well: a page among them needs no more than a look at each."""


class Leaders:
    """The leaders of one column in one direction, as of when they were found.

    written: the ordinals whose values were written since.
    """

    def __init__(self, values: Values, written: set[int], *, descending: bool) -> None:
        self._descending = descending
        self._written = written
        keys = keys_of(values, descending)
        self._count = min(max(_FEWEST, keys.size // _SHARE), keys.size - 1)
        # Everybody with a key below the bound is a member. Where many have the first key that is nobody at all.
        self._bound = int(np.partition(keys, self._count)[self._count])
        self._members = from_mask(keys < self._bound)
        leading = to_ordinals(self._members)
        self._first: list[int] = leading[np.argsort(keys[leading], kind="stable")[:_FIRST]].tolist()

    @property
    def is_stale(self) -> bool:
        """Whether so much was written since that they had better be found anew."""
        return len(self._written) > self._count

    @property
    def nbytes(self) -> int:
        """About how much memory they take, in bytes."""
        return approximate_bytes([self._members]) + 100 * len(self._written)

    def window(self, matches: BitMap, values: Values, *, skip: int, take: int) -> Ordinals | None:
        """The ordinals of the page (see `window.window`); None if too few of the matches lead."""
        stop = min(skip + take, len(matches))
        if len(self._members) * len(matches) < stop * values.size:
            return None
        if not self._written:
            found = list(filter(matches.__contains__, self._first))
            if len(found) >= stop:
                return np.array(found[skip:stop], dtype=np.uint32)
        near = matches & self._members
        if self._written:
            near |= matches & from_ordinals(np.fromiter(self._written, dtype=np.uint32, count=len(self._written)))
        ordinals = to_ordinals(near)
        keys = keys_of(values[ordinals], self._descending)
        if self._written:
            leading = keys < self._bound
            ordinals, keys = ordinals[leading], keys[leading]
        if skip >= stop or keys.size < stop:
            return None
        page: Ordinals = ordinals[cut(keys, skip, stop)]
        return page


class Leading:
    """The leaders of a column in both directions, found when they are first asked for."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._found: dict[bool, tuple[Leaders, set[int]]] = {}
        self._finding = threading.Lock()

    def of(self, *, descending: bool) -> Leaders:
        """Those of one direction."""
        found = self._found.get(descending)
        if found is not None and not found[0].is_stale:
            return found[0]
        with self._finding:  # a question in the pool may look for them as well
            found = self._found.get(descending)
            if found is None or found[0].is_stale:
                if found is not None:
                    self._column.unwatch(found[1])
                written = self._column.watch()
                found = (Leaders(self._column.values, written, descending=descending), written)
                self._found[descending] = found
        return found[0]

    @property
    def nbytes(self) -> int:
        """About how much memory they take, in bytes."""
        return sum(leaders.nbytes for leaders, _ in self._found.values())
