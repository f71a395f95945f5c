"""The forty questions by hand: the same set operations with nothing but pyroaring and NumPy.

No planner, nothing remembered, no samples: ties first, then windows, then texts, then the page. What a person would
know about the data is used: that customers stand in the order of their creation, which fields have few values, and
where a value is looked up for few customers rather than compared for all of them.
"""

import re
from collections.abc import Callable
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from bench.questions import PAGE, Question
from regulars.audience.evaluate import sort_values
from regulars.audience.filters.predicates import All, Any, Contains, Member, Not, Predicate, Range, Similar
from regulars.audience.index import SiteIndex
from regulars.audience.structures.bitmaps import from_mask, from_ordinals, to_ordinals
from regulars.audience.structures.coded import CodedColumn
from regulars.audience.structures.text import TextColumn
from regulars.audience.structures.typos import WantedWord, is_alike, words_of
from regulars.domain.relations import BY_NAME
from regulars.domain.text import fold

_FEW: float = 1 / 8


def by_hand(question: Question, predicate: Predicate, index: SiteIndex) -> Callable[[], tuple[int, list[int]]]:
    """What finds (total, customer numbers of the page); what can be had before the question is asked, is had here."""
    find = _finder(predicate, index)
    column, down = question.order.column, question.order.descending
    keys = sort_values(index, question.order)
    is_ascending = column in index.columns and index.columns[column].is_ascending
    numbers = index.numbering.values

    def work() -> tuple[int, list[int]]:
        found = find(index.alive)
        total = len(found)
        skip = question.skip(total)
        stop = min(skip + PAGE, total)
        if skip >= stop:
            return total, []
        if is_ascending:
            page = to_ordinals(found[total - stop : total - skip])[::-1] if down else to_ordinals(found[skip:stop])
        else:
            ordinals = to_ordinals(found)
            page = ordinals[_cut(keys[ordinals], skip, stop, down)]
        return total, numbers[page].tolist()

    return work


def _cut(keys: NDArray[np.int64], skip: int, stop: int, down: bool) -> NDArray[np.int64]:
    """Positions of the page: everything up to its end is selected, and only that is sorted."""
    keys = ~keys if down else keys - 1  # unset is the lowest integer, and wraps: it stands last in both directions
    if skip * 2 > keys.size:  # near the end: everything from its start on
        least = np.partition(keys, skip)[skip]
        near = np.flatnonzero(keys >= least)
        before = keys.size - near.size
    else:
        near = np.flatnonzero(keys <= np.partition(keys, stop - 1)[stop - 1])
        before = 0
    return near[np.argsort(keys[near], kind="stable")[skip - before : stop - before]]


Find = Callable[[BitMap], BitMap]
"""Those of a bitmap who are meant."""


def _finder(predicate: Predicate, index: SiteIndex) -> Find:
    match predicate:
        case Member(relation, ids):
            code = BY_NAME[relation].code
            tied = [index.ties.get((code, each)) for each in ids if isinstance(each, int)]
            bitmaps = [each for each in tied if each is not None]
            return lambda within: BitMap.union(*bitmaps) & within if bitmaps else BitMap()
        case Range(column, low, high):
            return _window(index, column, low, high)
        case Contains(field, text):
            return _containing(index, field, fold(text))
        case Similar(text, is_prefix):
            return _alike(index, WantedWord(fold(text), is_prefix))
        case Not(part):
            find = _finder(part, index)
            return lambda within: within - find(within)
        case All(parts):
            finds = [_finder(part, index) for part in sorted(parts, key=_rank)]
            return lambda within: reduce(lambda left, each: each(left), finds, within)
        case Any(parts):
            finds = [_finder(part, index) for part in parts]
            return lambda within: reduce(or_, (each(within) for each in finds))
        case _:
            raise ValueError(f"{predicate} is not among the questions")


def _rank(part: Predicate) -> int:
    """Ties first, then windows, then texts; what is taken away comes at the end of its kind."""
    inner = part.part if isinstance(part, Not) else part
    kinds = (Member, Range, All, Any, Contains, Similar)
    return 2 * next(at for at, kind in enumerate(kinds) if isinstance(inner, kind)) + isinstance(part, Not)


def _window(index: SiteIndex, column: str, low: int | None, high: int | None) -> Find:
    values, null = index.columns[column].values, np.iinfo(np.int64).min
    least = null + 1 if low is None else low
    if index.columns[column].is_ascending:

        def sliced(within: BitMap) -> BitMap:
            last = values.size if high is None else int(np.searchsorted(values, high, side="right"))
            return within & BitMap(range(int(np.searchsorted(values, least)), last))

        return sliced

    def compared(within: BitMap) -> BitMap:
        if len(within) < values.size * _FEW:
            ordinals = to_ordinals(within)
            some = values[ordinals]
            return from_ordinals(ordinals[some >= least if high is None else (some >= least) & (some <= high)])
        return from_mask(values >= least if high is None else (values >= least) & (values <= high)) & within

    return compared


def _containing(index: SiteIndex, field: str, needle: str) -> Find:
    texts = index.texts[field]
    if isinstance(texts, CodedColumn):
        members, values = texts._members or [], texts._values

        def united(within: BitMap) -> BitMap:
            hits = [bitmap for bitmap, value in zip(members, values, strict=True) if needle in value]
            return BitMap.union(*hits) & within if hits else BitMap()

        return united
    (segment,) = texts.segments
    ordinals, content, starts = segment.arena.parts
    pattern = re.compile(re.escape(needle.encode()))

    def scanned(within: BitMap) -> BitMap:
        """All texts in one run of bytes, searched from its start to its end."""
        at = np.array([match.start() for match in pattern.finditer(content)], dtype=np.int64)
        return from_ordinals(ordinals[np.searchsorted(starts, at, side="right") - 1]) & within

    return scanned


def _alike(index: SiteIndex, wanted: WantedWord) -> Find:
    """Every distinct word compared with the wanted one; they and who has them are known."""
    columns = [each for name in ("name", "email") if isinstance(each := index.texts[name], TextColumn)]
    owners: dict[str, list[int]] = {}
    for column in columns:
        for ordinal, text in column.items():
            for word in words_of(text):
                owners.setdefault(word, []).append(ordinal)

    def compared(within: BitMap) -> BitMap:
        found = BitMap()
        for word, ordinals in owners.items():
            if is_alike(wanted, word):
                found.update(ordinals)
        return found & within

    return compared
