"""Answering: a question and its answer, asked of one index, and what that is expected to cost."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.evaluate import estimate, estimate_page, evaluate
from regulars.audience.filters.predicates import Predicate, keys, resolve
from regulars.audience.filters.sorts import Sort
from regulars.audience.index import SiteIndex
from regulars.audience.loaded import LoadedSite
from regulars.audience.page_slice import PageSlice, Shown, SortKey, show
from regulars.audience.source import Head, Snapshot

_LARGEST_GUESS: Final = 100
"""Customers of a page that may turn out to have been read in vain."""

Asked = Predicate | Callable[[], Predicate]
"""What is asked about: a predicate, or what makes it at the time of which the question is."""


class LoadingError(Exception):
    """The site's index is still being loaded; it may be there when asked again."""


class QuestionsFullError(Exception):
    """Too many heavy questions are waiting; there may be room when asked again."""


class PageDetails(Protocol):
    """What is to be read of the customers shown. complete: nothing else is read in the answer's snapshot."""

    complete: bool

    def queries(self, numbers: Sequence[int]) -> Sequence[Any]:
        """The readings of these customers, which the store knows how to make."""
        ...


class NoPageDetails:
    """Nothing: the numbers are wanted, and the asker may read on."""

    complete = False

    def queries(self, numbers: Sequence[int]) -> Sequence[Any]:
        """None."""
        return ()


class Question(Struct, frozen=True):
    """Whom to find, in which order, which stretch of them to show, and what is to be read of those shown."""

    asked: Asked
    sort: Sort
    page_slice: PageSlice
    details: PageDetails

    def predicate(self) -> Predicate:
        """What is asked about, as of now."""
        return self.asked() if callable(self.asked) else self.asked


class Answer(Struct, frozen=True):
    """The exact number of matches, and the customer numbers of the page in order.

    skipped: how many matches stand before the page. ends: the keys of its first and last customer, None if it is
    empty. read: what the details came to. The snapshot shows the moment that the answer is of; it is open
    inside the `async with` block, unless the details are complete.
    """

    total: int
    numbers: list[int]
    snapshot: Snapshot
    skipped: int
    ends: tuple[SortKey, SortKey] | None
    read: list[Any]


class Found(Struct, frozen=True):
    """The exact number of matches, and the stretch of them that is asked for."""

    total: int
    shown: Shown

    def answer(self, snapshot: Snapshot, read: list[Any]) -> Answer:
        """This as the answer of a snapshot, with what was read in it."""
        shown = self.shown
        return Answer(self.total, shown.numbers, snapshot, shown.skipped, shown.ends, read)


def answered(index: SiteIndex, predicate: Predicate, question: Question) -> Found:
    """What a question, whose predicate is resolved, finds."""
    matches: BitMap = evaluate(predicate, index)
    return Found(len(matches), show(index, matches, question.sort, question.page_slice))


def expected(index: SiteIndex, predicate: Predicate, sort: Sort) -> float:
    """What `answered` will cost, in microseconds, roughly."""
    cost = estimate(predicate, index)
    return cost.microseconds + estimate_page(index, sort, cost.most)


def is_stale(index: SiteIndex, sort: Sort) -> bool:
    """Whether sorting alters the index, because a text order has to be brought up to date."""
    return sort.column in index.orders and index.orders[sort.column].cost(index.size) > 0


def is_in_step(index: SiteIndex, head: Head) -> bool:
    """Whether the index is that of the head, and may be asked without the lock."""
    return index.head == head and index.horizon <= head.number


def optimistic(loaded: LoadedSite, question: Question, most: float) -> Found | None:
    """What the index as it is answers. None if that takes its lock or more than `most` microseconds, if the store must
    first be asked for the number of something, or if too much would be read for a guess.

    Raises DamagedError.
    """
    index = loaded.index
    if question.page_slice.take > _LARGEST_GUESS or not is_in_step(index, index.head) or is_stale(index, question.sort):
        return None
    predicate = question.predicate()
    numbers = loaded.numbers(keys(predicate))
    if numbers is None:
        return None
    predicate = resolve(predicate, numbers)
    if expected(index, predicate, question.sort) > most:
        return None
    return answered(index, predicate, question)
