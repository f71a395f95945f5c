"""Evaluation: turns a predicate over an index into the exact bitmap of matching customers, and a bitmap into a page.

Every leaf is evaluated only for the remaining candidates (`within`). An All therefore runs its cheap, selective parts
first, a range over few candidates is a gather, and a Not is a subtraction.
"""

from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.event_evaluation import events_cost, happened
from regulars.audience.event_sequences import followed
from regulars.audience.filters.predicates import (
    All,
    Any,
    Attribute,
    Contains,
    Followed,
    Happened,
    HasAddress,
    HasText,
    Identified,
    InBucket,
    Matches,
    Member,
    Not,
    Predicate,
    Range,
    Sampled,
    Similar,
    SimilarAddress,
    TiedSince,
)
from regulars.audience.filters.sorts import Sort
from regulars.audience.index import SORTED_TEXTS, SiteIndex
from regulars.audience.structures.bitmaps import Ordinals, union
from regulars.audience.structures.columns import Values, bounded
from regulars.audience.structures.sample import sampled
from regulars.audience.structures.spellings import spelling_of
from regulars.audience.structures.text import TextColumn
from regulars.audience.structures.typos import WantedWord, texts_with, words_of
from regulars.audience.structures.window import by_ordinal, ordered_window, window
from regulars.domain.identity import readable_address
from regulars.domain.relations import BY_NAME
from regulars.domain.text import search_key

_SPARSE: Final = 64
"""If fewer than one customer in this many is a candidate, each is examined; otherwise the column's bands are used."""


class Cost(Struct, frozen=True, order=True):
    """An estimate: the duration of an evaluation in microseconds, and an upper bound on its matches."""

    microseconds: float
    most: int


def evaluate(predicate: Predicate, index: SiteIndex, within: BitMap | None = None) -> BitMap:
    """The ordinals of the customers in `within` (default: all) that match the predicate; do not modify the result.

    Names in the predicate must have been resolved to numbers (`predicates.resolve`).
    """
    within = index.alive if within is None else within
    match predicate:
        case Member():
            return _tied(predicate, index) & within
        case TiedSince(_, _, spans):
            return union(each.matching(spans, within) for each in index.tie_times.columns(_tie_keys(predicate)))
        case Range(column, low, high):
            return _between(index, column, low, high, within)
        case Contains(field, text):
            return index.texts[field].contains(search_key(text), within)
        case Matches(field, how, text):
            return _matching(field, how, search_key(text), index, within)
        case HasText(field):
            return index.texts[field].present(within)
        case Attribute(path, comparison):
            return index.attributes.column(path).matching(comparison, within)
        case Happened():
            return happened(predicate, index, within)
        case Followed():
            return followed(predicate, index, within)
        case InBucket(bucket):
            return index.buckets.matching(bucket, within)
        case Sampled(share, seed):
            return sampled(index.numbering.values, share, seed) & within
        case HasAddress(key):
            return _having_address(key, index, within)
        case Similar(text, is_prefix):
            wanted = WantedWord(search_key(text), is_prefix)
            return union(column.alike(wanted, within) for column in _searched(index))
        case SimilarAddress(local, domain):
            return _of_similar_address(search_key(local), search_key(domain), index, within)
        case Identified():
            ordinal = None if predicate.number is None else index.numbering.ordinal(predicate.number)
            return BitMap() if ordinal is None else BitMap([ordinal]) & within
        case Not(Member() as part):
            return within - _tied(part, index)
        case Not(part):
            return within - evaluate(part, index, within)
        case All(parts):
            for part, _ in _cheapest_first(parts, index, len(within)):
                if not within:
                    break
                within = evaluate(part, index, within)
            return within
        case Any(parts):
            found = BitMap()
            for part in parts:
                found |= evaluate(part, index, within - found if found else within)
            return found


def page(index: SiteIndex, matches: BitMap, sort: Sort, *, skip: int, take: int) -> list[int]:
    """The customer numbers at positions skip .. skip+take-1 of the sorted matches."""
    column = index.columns.get(sort.column)
    if sort.column == "id":
        ordinals = by_ordinal(matches, skip=skip, take=take, descending=sort.descending)
    elif column is not None and column.is_ascending:
        ordinals = ordered_window(matches, column.values, skip=skip, take=take, descending=sort.descending)
    else:
        values = sort_values(index, sort)
        found = None
        bands = None if column is None or len(matches) * _SPARSE < index.size else index.bands(sort.column)
        if bands is not None:
            found = bands.window(matches, values, skip=skip, take=take, descending=sort.descending)
        if found is None:
            found = window(matches, values, skip=skip, take=take, descending=sort.descending)
        ordinals = found
    return _numbers(index, ordinals)


def sort_values(index: SiteIndex, sort: Sort) -> Values:
    """The sort key of every ordinal: the values of a column or the labels of a text order. Not for "id"."""
    order = index.orders.get(sort.column)
    return index.columns[sort.column].values if order is None else order.refresh(index.size)


def estimate(predicate: Predicate, index: SiteIndex, size: int | None = None) -> Cost:
    """The estimated cost of evaluating the predicate over `size` customers (default: all)."""
    size = len(index.alive) if size is None else size
    match predicate:
        case Member():
            most = sum(map(len, _ties(predicate, index)))
            return Cost(2 + len(predicate.ids) + min(most, size) / 20_000, min(most, size))
        case TiedSince():
            return Cost(sum(each.cost() for each in index.tie_times.columns(_tie_keys(predicate))), size)
        case Range(name):
            if index.columns[name].is_ascending:
                return Cost(10, size)
            if index.is_banded(name):
                return Cost(10 + min(0.00005 * index.size, 0.006 * size), size)
            return Cost(5 + min(0.0007 * index.size, 0.006 * size), size)
        case Contains(field, text):
            return Cost(3 + index.texts[field].cost(search_key(text), size), size)
        case Matches(field, _, text):
            return Cost(5 + index.texts[field].cost(search_key(text), size), size)
        case HasText(field):
            return Cost(10 + index.size / 100_000, size)
        case Attribute(path):
            return Cost(index.attributes.column(path).cost(), size)
        case Happened(selection):
            return Cost(events_cost(selection, index) + index.size / 300, size)
        case Followed(steps):
            costs_of_steps = [3 * events_cost(selection, index) for selection, _ in steps]
            return Cost(sum(costs_of_steps) + index.size / 300, size)
        case InBucket():
            return Cost(index.buckets.cost(), size)
        case Sampled():
            return Cost(10 + index.size / 100, size)
        case HasAddress(key):
            return Cost(5 + index.texts["email"].cost(key, size), size)
        case Similar(text, is_prefix):
            wanted = WantedWord(search_key(text), is_prefix)
            return Cost(5 + sum(column.alike_cost(wanted) for column in _searched(index)), size)
        case SimilarAddress(local, domain):
            column = _addresses(index)
            found = column.cost(f"@{domain}", size) + sum(column.alike_cost(each) for each in _words_before_at(local))
            return Cost(10 + found, size)
        case Identified():
            return Cost(2, min(1, size))
        case Not(part):
            return Cost(2 + estimate(part, index, size).microseconds, size)
        case All(parts):
            total, every = 0.0, size
            for part, known in _cheapest_first(parts, index, size):
                cost = known if size == every else estimate(part, index, size)
                total, size = total + cost.microseconds, cost.most
            return Cost(total, size)
        case Any(parts):
            costs = [estimate(part, index, size) for part in parts]
            return Cost(sum(cost.microseconds for cost in costs), min(size, sum(cost.most for cost in costs)))


def estimate_page(index: SiteIndex, sort: Sort, most: int) -> float:
    """The estimated cost of sorting a page out of at most `most` matches, in microseconds."""
    if sort.column == "id" or (sort.column in index.columns and index.columns[sort.column].is_ascending):
        return 20
    if index.is_banded(sort.column):
        return 40 + min(0.01 * most, 0.0001 * index.size)
    stale = index.orders[sort.column].cost(index.size) if sort.column in index.orders else 0.0
    return 30 + min(0.01 * most, 150 + 0.0015 * index.size) + stale


def _cheapest_first(parts: tuple[Predicate, ...], index: SiteIndex, size: int) -> list[tuple[Predicate, Cost]]:
    """The parts in the best order of evaluation, each with its estimated cost over `size` customers."""
    # Ties cost almost nothing whatever their size, so among them the most selective one goes first.
    costs = [(part, estimate(part, index, size)) for part in parts]
    return sorted(costs, key=lambda each: (each[1].microseconds // 50, each[1].most))


def _between(index: SiteIndex, name: str, low: int | None, high: int | None, within: BitMap) -> BitMap:
    """A range of a column: uses its bands if there are any, unless examining a few candidates is faster."""
    column, bounds = index.columns[name], bounded(low, high)
    bands = index.bands(name) if len(within) * _SPARSE > index.size else None
    if bands is None or bounds is None:
        return column.between(low, high, within)
    return bands.between(column.values, *bounds, within)


def _tied(predicate: Member, index: SiteIndex) -> BitMap:
    """All ordinals that match, including deleted customers; do not modify the result."""
    found = _ties(predicate, index)
    return found[0] if len(found) == 1 else union(found)


def _ties(predicate: Member, index: SiteIndex) -> list[BitMap]:
    code = BY_NAME[predicate.relation].code
    found = (index.ties.get((code, target)) for target in predicate.ids if isinstance(target, int))
    return [bitmap for bitmap in found if bitmap is not None]


def _tie_keys(predicate: TiedSince) -> list[tuple[int, int]]:
    code = BY_NAME[predicate.relation].code
    return [(code, target) for target in predicate.ids if isinstance(target, int)]


def _matching(field: str, how: str, key: str, index: SiteIndex, within: BitMap) -> BitMap:
    column = index.texts[field]
    if how == "equals":
        return column.equals(key, within)
    return column.at_edge(key, within, at_end=how == "ends")


def _having_address(key: str, index: SiteIndex, within: BitMap) -> BitMap:
    """The customer with this address, if any. Others may share its search key, so spellings are compared too."""
    spellings = index.spellings["email"]
    alike = search_key(readable_address(key))
    found = index.texts["email"].equals(alike, within)
    return BitMap([ordinal for ordinal in found if spellings.get(ordinal) == spelling_of(alike, key)])


def _of_similar_address(local: str, domain: str, index: SiteIndex, within: BitMap) -> BitMap:
    column = _addresses(index)
    wanted = _words_before_at(local)
    if not domain or not wanted:
        return BitMap()
    # Candidates contain the domain somewhere and the words anywhere; each is then checked exactly.
    found = column.contains(f"@{domain}", within)
    for each in wanted:
        found = column.alike(each, found)
    addresses = [(ordinal, (column.get(ordinal) or "").rpartition("@")) for ordinal in found]
    texts = [(ordinal, before) for ordinal, (before, _, of) in addresses if of == domain]
    return BitMap.intersection(*(BitMap(texts_with(each, texts)) for each in wanted))


def _words_before_at(local: str) -> list[WantedWord]:
    return [WantedWord(word) for word in words_of(search_key(local))]


def _addresses(index: SiteIndex) -> TextColumn:
    column = index.texts["email"]
    assert isinstance(column, TextColumn)
    return column


def _searched(index: SiteIndex) -> list[TextColumn]:
    return [column for name in SORTED_TEXTS if isinstance(column := index.texts[name], TextColumn)]


def _numbers(index: SiteIndex, ordinals: Ordinals) -> list[int]:
    numbers: list[int] = index.numbering.numbers(ordinals).tolist()
    return numbers
