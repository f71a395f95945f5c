"""Page slices: the part of a sorted result that a page shows, given by position or by a neighbouring customer.

A customer's position is given by its sort key, the pair of sort value and customer number. The key stays valid across
writes, in other processes, and after the customer is deleted.
"""

from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.evaluate import page, sort_values
from regulars.audience.filters.sorts import Sort
from regulars.audience.index import SiteIndex
from regulars.audience.structures.window import ordered_rank, rank
from regulars.domain.changes import NULL


class SortKey(Struct, frozen=True):
    """A position in a sort order: sort value (ms, cents, key plus spelling; None: unset) and customer number."""

    value: int | str | None
    number: int


LAST: Final = SortKey(None, 2**32)
"""The end of every order except descending ids: unset values sort last, and all numbers are below this."""


class PageSlice(Struct, frozen=True):
    """`take` sorted customers: those after the key `after`, those right before the key `before`, or from `skip` on."""

    skip: int = 0
    take: int = 25
    after: SortKey | None = None
    before: SortKey | None = None


class Shown(Struct, frozen=True):
    """A page: customer numbers in order, the number of matches before them, the keys of both ends.

    ends: None if the page is empty.
    """

    numbers: list[int]
    skipped: int
    ends: tuple[SortKey, SortKey] | None


def show(index: SiteIndex, matches: BitMap, sort: Sort, page_slice: PageSlice) -> Shown:
    """Sort the matches and return the requested slice."""
    skip, take = page_slice.skip, page_slice.take
    if page_slice.after is not None:
        skip = _standing_before(index, matches, sort, page_slice.after, included=True)
    elif page_slice.before is not None:
        stop = _standing_before(index, matches, sort, page_slice.before, included=False)
        skip = max(stop - take, 0)
        take = stop - skip
    numbers = page(index, matches, sort, skip=skip, take=take)
    ends = (_key(index, sort, numbers[0]), _key(index, sort, numbers[-1])) if numbers else None
    return Shown(numbers, min(skip, len(matches)), ends)


def _key(index: SiteIndex, sort: Sort, number: int) -> SortKey:
    """The sort key of a customer on the page."""
    ordinal = index.numbering.below(number)
    if sort.column in index.orders:
        return SortKey(index.orders[sort.column].get(ordinal), number)
    if sort.column == "id":
        return SortKey(None, number)
    value = int(index.columns[sort.column].values[ordinal])
    return SortKey(None if value == NULL else value, number)


def _standing_before(index: SiteIndex, matches: BitMap, sort: Sort, key: SortKey, *, included: bool) -> int:
    """The number of matches before the key; `included`: also count the customer with this key."""
    behind_it = included != (sort.column == "id" and sort.descending)
    ordinal = index.numbering.below(key.number + 1 if behind_it else key.number)
    if sort.column == "id":
        lower = matches.rank(ordinal - 1) if ordinal else 0
        return len(matches) - lower if sort.descending else lower
    value = NULL
    if isinstance(key.value, str):
        sort_values(index, sort)  # brings the text order up to date
        value, is_somebodys = index.orders[sort.column].place(key.value)
        if not is_somebodys:  # between two texts: before, or if descending after, all customers with the next text
            ordinal = index.size if sort.descending else 0
    elif key.value is not None:
        value = key.value
    column = index.columns.get(sort.column)
    if column is not None and column.is_ascending:
        return ordered_rank(matches, column.values, value, ordinal, descending=sort.descending)
    return rank(matches, sort_values(index, sort), value, ordinal, descending=sort.descending)
