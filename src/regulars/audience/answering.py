"""Answering: one question asked of one index, and what that is expected to cost."""

from pyroaring import BitMap

from regulars.audience.evaluate import Sort, estimate, estimate_page, evaluate
from regulars.audience.index import SiteIndex
from regulars.audience.predicates import Predicate, keys, resolve
from regulars.audience.source import Snapshot
from regulars.audience.stretch import Shown, Stretch, show


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
    """The predicate with the keys of objects replaced by their numbers, as they are in the snapshot."""
    wanted = keys(predicate)
    if not wanted:
        return predicate
    numbers: dict[tuple[str, str], int] = {}
    for kind in sorted({kind for kind, _ in wanted}):
        found = await snapshot.object_numbers(site, kind, [key for each, key in wanted if each == kind])
        numbers.update({(kind, key): number for key, number in found.items()})
    return resolve(predicate, numbers)
