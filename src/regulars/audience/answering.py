"""Questions and answers: evaluates a question on one index and estimates its cost."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.evaluate import estimate, estimate_page, evaluate
from regulars.audience.filters.predicates import All, Predicate, event_columns, keys, resolve
from regulars.audience.filters.sorts import Sort
from regulars.audience.index import SiteIndex
from regulars.audience.loaded import LoadedSite
from regulars.audience.page_slice import PageSlice, Shown, SortKey, show
from regulars.audience.source import Head, Snapshot

_LARGEST_GUESS: Final = 100
"""Largest page that is read optimistically, at the risk of reading it in vain."""

NOTHING_SHOWN: Final = Shown([], 0, None)

Asked = Predicate | Callable[[], Predicate]
"""A predicate, or a function that builds it for the current time."""


Prepare = Callable[[Snapshot], Awaitable[None]]
"""Reads, in the snapshot of the answer, what the predicate depends on. It may be called more than once."""


class LoadingError(Exception):
    """The site's index is still loading; retrying later may succeed."""


class QuestionsFullError(Exception):
    """Too many heavy questions are waiting; retrying later may succeed."""


class PageDetails(Protocol):
    """What to read of the customers on the page. complete: nothing else is read in the answer's snapshot."""

    complete: bool

    def queries(self, numbers: Sequence[int]) -> Sequence[Any]:
        """The store queries that read these customers."""
        ...


class NoPageDetails:
    """Reads nothing: the caller wants the numbers only, and may read more from the snapshot itself."""

    complete = False

    def queries(self, numbers: Sequence[int]) -> Sequence[Any]:
        """None."""
        return ()


class Question(Struct, frozen=True):
    """Whom to find, the sort order, the slice to show, and what to read of the customers shown.

    prepare: awaited with each snapshot before the predicate is built.
    """

    asked: Asked
    sort: Sort
    page_slice: PageSlice
    details: PageDetails
    prepare: Prepare | None = None

    def predicate(self) -> Predicate:
        """The predicate as of now."""
        return self.asked() if callable(self.asked) else self.asked

    def found(self, index: SiteIndex, predicate: Predicate) -> "Found":
        """Evaluate the question, whose predicate is already resolved."""
        matches: BitMap = evaluate(predicate, index)
        shown = show(index, matches, self.sort, self.page_slice)
        return Found(len(matches), shown, without_events=index.events.empty(event_columns(predicate)))

    def cost(self, index: SiteIndex, predicate: Predicate) -> float:
        """The approximate cost of `found`, in microseconds."""
        return expected(index, predicate, self.sort)


class Study(Question, frozen=True, kw_only=True):
    """A question about several sets of customers at once. The predicate is an All whose parts are the sets.

    work: turns the sets into a value, on the index that they come from; it must not modify them.
    """

    work: Callable[[SiteIndex, Sequence[BitMap]], Any]

    def found(self, index: SiteIndex, predicate: Predicate) -> "Found":
        """Evaluate each set and let `work` make the value of them."""
        assert isinstance(predicate, All)
        sets = [evaluate(part, index) for part in predicate.parts]
        return Found(len(sets[0]), NOTHING_SHOWN, self.work(index, sets))

    def cost(self, index: SiteIndex, predicate: Predicate) -> float:
        """The cost of all sets, and of going through the customers once."""
        assert isinstance(predicate, All)
        return sum(estimate(part, index).microseconds for part in predicate.parts) + index.size / 20


class Answer(Struct, frozen=True):
    """The exact number of matches, and the customer numbers of the page in order.

    skipped: number of matches before the page. ends: sort keys of the page's first and last customer, None if it is
    empty. read: results of the detail queries. value: what a Study came to. without_events: the names of events in the
    question of which there are none. The snapshot shows the state that the
    answer describes; it is open inside the `async with` block, unless the details are complete.
    """

    total: int
    numbers: list[int]
    snapshot: Snapshot
    skipped: int
    ends: tuple[SortKey, SortKey] | None
    read: list[Any]
    value: Any = None
    without_events: Sequence[str] = ()


class Found(Struct, frozen=True):
    """The exact number of matches, the requested slice of them, and what else an `Answer` tells of them."""

    total: int
    shown: Shown
    value: Any = None
    without_events: Sequence[str] = ()

    def answer(self, snapshot: Snapshot, read: list[Any]) -> Answer:
        """Build the answer from this, the snapshot, and what was read in it."""
        shown = self.shown
        return Answer(
            self.total, shown.numbers, snapshot, shown.skipped, shown.ends, read, self.value, self.without_events
        )


def expected(index: SiteIndex, predicate: Predicate, sort: Sort) -> float:
    """The approximate cost of evaluating and sorting, in microseconds."""
    cost = estimate(predicate, index)
    return cost.microseconds + estimate_page(index, sort, cost.most)


def is_stale(index: SiteIndex, sort: Sort) -> bool:
    """Whether sorting modifies the index, because a text order must first be brought up to date."""
    return sort.column in index.orders and index.orders[sort.column].cost(index.size) > 0


def is_in_step(index: SiteIndex, head: Head) -> bool:
    """Whether the index is at this head, so that it can be queried without the lock."""
    return index.head == head and index.horizon <= head.number


def optimistic(loaded: LoadedSite, question: Question, most: float) -> Found | None:
    """Answer from the index as it is, without asking the store first.

    None if that needs the lock or is expected to take more than `most` microseconds, if the store must first resolve
    a name to its number, or if the page is too large to read optimistically. Raises DamagedError.
    """
    index = loaded.index
    if question.page_slice.take > _LARGEST_GUESS or not is_in_step(index, index.head) or is_stale(index, question.sort):
        return None
    predicate = question.predicate()
    numbers = loaded.numbers(keys(predicate))
    if numbers is None:
        return None
    predicate = resolve(predicate, numbers)
    return None if question.cost(index, predicate) > most else question.found(index, predicate)
