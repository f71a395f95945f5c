"""Overlap: how several sets of customers lie to each other."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

MOST_SETS: Final = 10
MOST_REGIONS_OF: Final = 4
"""Up to this many sets, every region of their diagram is counted."""


class Overlap(Struct, frozen=True):
    """sizes: of each set. pairs: (a, b, customers in both). only: customers in no other set, for each.

    union: customers in any. regions: (the sets by position, customers in exactly these); empty for more than
    MOST_REGIONS_OF sets.
    """

    sizes: list[int]
    pairs: list[tuple[int, int, int]]
    only: list[int]
    union: int
    regions: list[tuple[tuple[int, ...], int]]


def overlap(sets: Sequence[BitMap]) -> Overlap:
    """Count. There must be at least one set."""
    places = range(len(sets))
    pairs = [(a, b, sets[a].intersection_cardinality(sets[b])) for a, b in combinations(places, 2)]
    regions: list[tuple[tuple[int, ...], int]] = []
    if len(sets) <= MOST_REGIONS_OF:
        for count in range(1, len(sets) + 1):
            for chosen in combinations(places, count):
                inside = BitMap.intersection(*(sets[each] for each in chosen))
                others = [sets[each] for each in places if each not in chosen]
                regions.append((chosen, len(inside - BitMap.union(*others)) if others else len(inside)))
    return Overlap(
        [len(each) for each in sets],
        pairs,
        [_only(sets, place) for place in places],
        len(BitMap.union(*sets)),
        regions,
    )


def _only(sets: Sequence[BitMap], place: int) -> int:
    others = [each for at, each in enumerate(sets) if at != place]
    return len(sets[place] - BitMap.union(*others)) if others else len(sets[place])
