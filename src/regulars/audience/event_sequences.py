"""Evaluation of sequences: events that happened one after another, with others absent between them.

Whether a chain of events exists is decided from its end: for each event of a step, the earliest end of a chain that
begins with it follows from those of the next step. All customers are looked at together.
"""

import time
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.event_evaluation import selected
from regulars.audience.filters.predicates import Followed, Selection
from regulars.audience.index import SiteIndex
from regulars.audience.structures.bitmaps import from_ordinals, to_ordinals
from regulars.audience.structures.events import AT, ORDINALS

MOST_SECONDS: Final = 2.0
"""A sequence that takes longer is refused."""


class TooExpensiveError(Exception):
    """A sequence goes through too many events."""

    def __init__(self, leaf: Followed) -> None:
        super().__init__("a sequence goes through too many events")
        self.leaf = leaf


class _Step(Struct):
    """The events of a step in the order of customers and time. keys: both as one number."""

    ordinals: NDArray[np.uint32]
    at: NDArray[np.int64]
    keys: NDArray[np.int64]


def followed(leaf: Followed, index: SiteIndex, within: BitMap) -> BitMap:
    """The ordinals in `within` for which the events followed one another.

    Raises MissingColumnError if a column is not built, and TooExpensiveError.
    """
    deadline = time.perf_counter() + MOST_SECONDS
    alone = int(within[0]) if len(within) == 1 else None
    inside = np.zeros(index.size, dtype=np.bool_)
    inside[to_ordinals(within)] = True
    read = []
    for selection, is_absent in leaf.steps:
        read.append((*_events(selection, index, inside, alone), is_absent))
        _refuse_late(leaf, deadline)
    times = np.unique(np.concatenate([at for _, at, _ in read]))
    _refuse_late(leaf, deadline)
    steps: list[tuple[_Step, bool]] = []
    for ordinals, at, is_absent in read:
        keys = ordinals.astype(np.int64) * (times.size + 1) + np.searchsorted(times, at)
        order = np.argsort(keys)
        steps.append((_Step(ordinals[order], at[order], keys[order]), is_absent))
        _refuse_late(leaf, deadline)
    step, ends = _last(leaf, steps, times)
    gap: list[_Step] = []
    for before, is_absent in reversed(steps[: _last_present(steps)]):
        if is_absent:
            gap.append(before)
            continue
        ends = _ends_from(before, step, ends, gap, never=times.size)
        step, gap = before, []
        _refuse_late(leaf, deadline)
    holds = ends < times.size
    if leaf.within is not None:
        holds[holds] = times[ends[holds]] - step.at[holds] <= leaf.within
    return from_ordinals(np.unique(step.ordinals[holds]))


def times_of_steps(leaf: Followed, index: SiteIndex, ordinal: int) -> list[list[int]]:
    """When the events of each step were, of one customer. Raises MissingColumnError if a column is not built."""
    found = []
    for selection, _ in leaf.steps:
        times = [picked[AT].tolist() for _, picked, _ in selected(selection, index, ordinal)]
        found.append([at for some in times for at in some])
    return found


def _refuse_late(leaf: Followed, deadline: float) -> None:
    if time.perf_counter() > deadline:
        raise TooExpensiveError(leaf)


def _events(selection: Selection, index: SiteIndex, inside: NDArray[np.bool_], alone: int | None) -> tuple[Any, Any]:
    """The ordinals and times of the events of the customers in question."""
    found = [(picked[ORDINALS], picked[AT]) for _, picked, _ in selected(selection, index, alone)]
    ordinals, at = (np.concatenate(each) for each in zip(*found, strict=True))
    kept = inside[ordinals]
    return ordinals[kept], at[kept]


def _last_present(steps: list[tuple[_Step, bool]]) -> int:
    """The place of the last step that is not absent."""
    return max(place for place, (_, is_absent) in enumerate(steps) if not is_absent)


def _last(leaf: Followed, steps: list[tuple[_Step, bool]], times: NDArray[Any]) -> tuple[_Step, NDArray[Any]]:
    """The last step that is not absent, and where chains of its events alone end: as places in `times`."""
    place = _last_present(steps)
    step, absent = steps[place][0], [each for each, _ in steps[place + 1 :]]
    ends = np.searchsorted(times, step.at)
    for other in absent:
        following = np.searchsorted(other.keys, step.keys, side="right")
        is_there = following < other.keys.size
        following[~is_there] = 0
        happened = is_there.copy()
        if other.keys.size:
            happened &= other.ordinals[following] == step.ordinals
            if leaf.within is not None:
                happened &= other.at[following] <= step.at + leaf.within
        ends[happened] = times.size
    if absent and leaf.within is not None:
        ends[step.at + leaf.within > leaf.now] = times.size
    return step, ends


def _ends_from(before: _Step, after: _Step, ends: NDArray[Any], gap: list[_Step], *, never: int) -> NDArray[Any]:
    """Where the earliest chain from each event of `before` ends, given those from the events of `after`.

    gap: what must not happen between the two. never: the end of no chain.
    """
    found = np.full(before.keys.size, never, dtype=np.int64)
    if not after.keys.size:
        return found
    absent = np.sort(np.concatenate([each.keys for each in gap])) if gap else np.zeros(0, dtype=np.int64)
    # Events of one customer with none of the absent ones between them form a group: the chain stays within it.
    passed = np.searchsorted(absent, after.keys)
    starts = np.ones(after.keys.size, dtype=np.bool_)
    starts[1:] = (after.ordinals[1:] != after.ordinals[:-1]) | (passed[1:] != passed[:-1])
    groups = np.cumsum(starts)
    offsets = groups * (never + 1)
    earliest = np.minimum.accumulate((ends + offsets)[::-1])[::-1] - offsets
    places = np.searchsorted(after.keys, before.keys, side="right")
    is_there = places < after.keys.size
    places[~is_there] = 0
    is_there &= after.ordinals[places] == before.ordinals
    is_there &= passed[places] == np.searchsorted(absent, before.keys, side="right")
    found[is_there] = earliest[places[is_there]]
    return found
