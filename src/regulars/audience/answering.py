"""Answering: one question asked of one index, and what that is expected to cost."""

from collections.abc import Callable

from pyroaring import BitMap

from regulars.audience.evaluate import Sort, estimate, estimate_page, evaluate
from regulars.audience.index import SiteIndex
from regulars.audience.predicates import IDENTIFIERS, Predicate, keys, resolve
from regulars.audience.source import Snapshot
from regulars.audience.stretch import Shown, Stretch, show

Asked = Predicate | Callable[[], Predicate]
"""What is asked about: a predicate, or what makes it at the time of which the question is."""


def answered(index: SiteIndex, predicate: Predicate, sort: Sort, stretch: Stretch) -> tuple[int, Shown]:
    """The exact number of matches, and the stretch of them that is asked for."""
    matches: BitMap = evaluate(predicate, index)
    return len(matches), show(index, matches, sort, stretch)


def expected(index: SiteIndex, predicate: Predicate, sort: Sort) -> float:
    """What `answered` will cost, in microseconds, roughly."""
    cost = estimate(predicate, index)
    return cost.microseconds + estimate_page(index, sort, cost.most)


def is_stale(index: SiteIndex, sort: Sort) -> bool:
    """Whether sorting alters the index, because a text order has to be brought up to date."""
    return sort.column in index.orders and index.orders[sort.column].cost(index.size) > 0


async def resolved(predicate: Predicate, site: int, snapshot: Snapshot) -> Predicate:
    """The predicate with the numbers of the objects and customers that it names, as they are in the snapshot."""
    wanted = keys(predicate)
    if not wanted:
        return predicate
    numbers: dict[tuple[str, str], int] = {}
    for identifier, key in sorted(each for each in wanted if each[0] in IDENTIFIERS):
        number = await snapshot.customer_number(site, identifier, key)
        if number is not None:
            numbers[identifier, key] = number
    for kind in sorted({kind for kind, _ in wanted}.difference(IDENTIFIERS)):
        found = await snapshot.object_numbers(site, kind, [key for each, key in wanted if each == kind])
        numbers.update({(kind, key): number for key, number in found.items()})
    return resolve(predicate, numbers)
