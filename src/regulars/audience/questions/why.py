"""Why: whether one customer matches a question, which conditions decide it, and when the clock alone changes it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.evaluate import evaluate
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import All as AllOf
from regulars.audience.filters.predicates import (
    Attribute,
    Followed,
    Happened,
    Identified,
    Predicate,
    Range,
    TiedSince,
    keys,
    leaves,
    resolve,
    selections,
)
from regulars.audience.index import SiteIndex
from regulars.audience.questions.observing import SeenValue, observed
from regulars.audience.questions.selecting import predicate_of
from regulars.audience.questions.tree import (
    HIDDEN,
    All,
    Any,
    Condition,
    Members,
    Node,
    Not,
    SequenceCondition,
    conditions,
)
from regulars.audience.questions.windows import Bounds, Window, local_day, midnight
from regulars.audience.source import Snapshot
from regulars.audience.structures.attribute_values import moment_of
from regulars.audience.structures.events import AT
from regulars.domain.changes import NULL, Name
from regulars.domain.moments import DAY
from regulars.domain.relations import BY_NAME

IN: Final = "in"
"""The part of a pointer below which the question of a saved audience stands.

`hidden` beside it is the rule that leaves hidden customers out. It is told only of those whom it concerns."""

_CALENDAR: Final = frozenset({"this", "previous", "anniversary"})
_MOST_EVENTS: Final = 1_000
"""Of a customer's events of a name, the latest that are looked at for when they leave a window."""

_AHEAD_DAYS: Final = 366
"""How far ahead calendar windows are looked at."""


class Verdict(Struct, frozen=True):
    """One condition of the question. node: its JSON pointer there. until: when the clock alone flips it (ms).

    seen: what a condition on events or on times of ties saw.
    """

    node: str
    holds: bool
    condition: Condition
    until: int | None
    seen: SeenValue | None


class Why(Struct, frozen=True):
    """holds: whether the customer matches. changes_at: when the clock alone changes that (ms), if it does.

    because: the pointers of the smallest set of conditions that decides it.
    """

    holds: bool
    verdicts: list[Verdict]
    changes_at: int | None
    because: list[str]


def only(number: int) -> Predicate:
    """The customer with this number."""
    return Identified("number", "", number)


def sets_of(node: Node, number: int, moment: Moment) -> list[Predicate]:
    """The sets to study: the customer, then the customer as far as each condition holds."""
    alone = only(number)
    return [alone, *(AllOf((alone, predicate_of(each, moment))) for each in conditions(node))]


async def numbers_of(snapshot: Snapshot, site: int, sets: Sequence[Predicate]) -> dict[Name, int]:
    """The numbers behind the names in the sets, as of the snapshot."""
    names = keys(AllOf(tuple(sets)))
    return (await snapshot.look(site, names)).numbers if names else {}


def explain(
    node: Node, index: SiteIndex, sets: Sequence[BitMap], moment: Moment, numbers: Mapping[Name, int]
) -> Why | None:
    """Explain; `sets` are those of `sets_of`. None if there is no such customer.

    numbers: behind the names in the predicates of the sets.
    """
    if not sets[0]:
        return None
    now = [bool(each) for each in sets[1:]]
    clocks = [
        _Clock(each, index, sets[0], moment, numbers, holds=holds)
        for each, holds in zip(conditions(node), now, strict=True)
    ]
    holds = _verdict(node, iter(now))
    moments = sorted({at for clock in clocks for at in clock.candidates})
    changes_at = next((at for at in moments if _verdict(node, iter([each.at(at) for each in clocks])) != holds), None)
    verdicts = list(_verdicts(node, "", iter(list(zip(now, clocks, strict=True)))))
    return Why(holds, verdicts, changes_at, _because(node, "", iter(now))[1])


class _Clock:
    """One condition as time goes by, while the data stays."""

    def __init__(
        self,
        condition: Condition,
        index: SiteIndex,
        customer: BitMap,
        moment: Moment,
        numbers: Mapping[Name, int],
        *,
        holds: bool,
    ) -> None:
        self._condition = condition
        self._index = index
        self._customer = customer
        self._moment = moment
        self._numbers = numbers
        self._holds = holds
        is_calendar = any(window.form in _CALENDAR for window in _windows_of(condition))
        predicate = self._predicate(moment)
        is_timeless = predicate == self._predicate(_later(moment, DAY))
        self.candidates: list[int] = []
        if is_calendar:
            self.candidates += self._midnights()
        if is_calendar or not is_timeless:
            self.candidates = sorted({*self.candidates, *self._borders(predicate)})

    def _predicate(self, moment: Moment) -> Predicate:
        return resolve(predicate_of(self._condition, moment), self._numbers)

    def _borders(self, predicate: Predicate) -> Iterator[int]:
        """The moments after now at which a rolling window reaches the customer's value, or leaves it behind."""
        ordinal, now = self._customer[0], self._moment.now
        for leaf in leaves(predicate):
            if isinstance(leaf, Range):
                value = int(self._index.columns[leaf.column].values[ordinal])
                yield from () if value == NULL else _crossings(now, value, [(leaf.low, leaf.high)])
            elif isinstance(leaf, Attribute) and leaf.comparison.operator == "when":
                text = self._index.attributes.column(leaf.path).get(ordinal)
                at = moment_of(text) if isinstance(text, str) else None
                yield from () if at is None else _crossings(now, at, leaf.comparison.values)
            elif isinstance(leaf, TiedSince):
                code = BY_NAME[leaf.relation].code
                tied = [(code, target) for target in leaf.ids if isinstance(target, int)]
                for column in self._index.tie_times.columns(tied):
                    at = column.get(ordinal)
                    yield from () if at is None else _crossings(now, at, leaf.spans)
            elif isinstance(leaf, Happened | Followed):
                yield from self._borders_of_events(leaf)

    def _borders_of_events(self, leaf: Happened | Followed) -> Iterator[int]:
        now, during = self._moment.now, leaf.during if isinstance(leaf, Happened) else ()
        for selection in selections(leaf):
            for name in selection.names:
                times = self._index.events.column(name).pick_of(self._customer[0])[AT]
                for at in np.unique(times)[-_MOST_EVENTS:].tolist():
                    yield from _crossings(now, at, (*selection.spans, *during))
                    if isinstance(leaf, Followed) and leaf.within is not None and at + leaf.within > now:
                        yield at + leaf.within

    def _midnights(self) -> list[int]:
        today = local_day(self._moment.now, self._moment.time_zone).toordinal()
        days = range(today + 1, min(today + 1 + _AHEAD_DAYS, date.max.toordinal()))
        return [midnight(date.fromordinal(day), self._moment.time_zone) for day in days]

    def at(self, moment: int) -> bool:
        """The verdict at a later moment."""
        if not self.candidates:
            return self._holds
        predicate = self._predicate(_later(self._moment, moment - self._moment.now))
        return bool(evaluate(predicate, self._index, self._customer))

    @property
    def seen(self) -> SeenValue | None:
        """What the condition saw."""
        return observed(self._condition, self._predicate(self._moment), self._index, self._customer[0])

    @property
    def until(self) -> int | None:
        """When the verdict flips."""
        return next((at for at in self.candidates if self.at(at) != self._holds), None)


def _windows_of(condition: Condition) -> Iterator[Window]:
    """The windows of time in a condition."""
    parts = [each.part for each in condition.steps] if isinstance(condition, SequenceCondition) else [condition]
    for part in parts:
        for name in ("when", "during"):
            window = getattr(part, name, None)
            if isinstance(window, Window):
                yield window


def _crossings(now: int, value: int, spans: Iterable[Bounds]) -> Iterator[int]:
    """The moments after now at which spans that move with the clock reach a value, or leave it behind."""
    for bound in (each for span in spans for each in span if each is not None):
        yield from (now + each for each in (value - bound, value - bound + 1) if each > 0)


def _later(moment: Moment, milliseconds: int) -> Moment:
    return Moment(moment.now + milliseconds, moment.engagement, moment.time_zone)


def _verdict(node: Node, verdicts: Iterator[bool]) -> bool:
    """The verdict of a tree, given those of its conditions from left to right."""
    match node:
        case All(parts):
            return min([_verdict(part, verdicts) for part in parts], default=True)
        case Any(parts):
            return max([_verdict(part, verdicts) for part in parts], default=False)
        case Not(part):
            return not _verdict(part, verdicts)
        case Members(part, asks_hidden):
            holds = _verdict(part, verdicts)
            is_left_out = not asks_hidden and next(verdicts)
            return holds and not is_left_out
        case _:
            return next(verdicts)


def _verdicts(node: Node, pointer: str, clocks: Iterator[tuple[bool, _Clock]]) -> Iterator[Verdict]:
    """The verdicts of the conditions, left to right."""
    match node:
        case All(parts) | Any(parts):
            name = "all" if isinstance(node, All) else "any"
            for at, part in enumerate(parts):
                yield from _verdicts(part, f"{pointer}/{name}/{at}", clocks)
        case Not(part):
            yield from _verdicts(part, f"{pointer}/not", clocks)
        case Members(part, asks_hidden):
            yield from _verdicts(part, f"{pointer}/{IN}", clocks)
            if not asks_hidden:
                is_hidden, clock = next(clocks)
                if is_hidden:
                    yield Verdict(f"{pointer}/{IN}/hidden", is_hidden, HIDDEN, clock.until, None)
        case _:
            holds, clock = next(clocks)
            yield Verdict(pointer, holds, node, clock.until, clock.seen)


def pointers_of(node: Node, pointer: str = "") -> Iterator[str]:
    """The pointers of all conditions of `conditions`, in their order."""
    match node:
        case All(parts) | Any(parts):
            name = "all" if isinstance(node, All) else "any"
            for at, part in enumerate(parts):
                yield from pointers_of(part, f"{pointer}/{name}/{at}")
        case Not(part):
            yield from pointers_of(part, f"{pointer}/not")
        case Members(part, asks_hidden):
            yield from pointers_of(part, f"{pointer}/{IN}")
            if not asks_hidden:
                yield f"{pointer}/{IN}/hidden"
        case _:
            yield pointer


def _because(node: Node, pointer: str, verdicts: Iterator[bool]) -> tuple[bool, list[str]]:
    """The verdict of a tree, and the smallest set of conditions that decides it."""
    match node:
        case All(parts) | Any(parts):
            is_all = isinstance(node, All)
            name = "all" if is_all else "any"
            found = [_because(part, f"{pointer}/{name}/{at}", verdicts) for at, part in enumerate(parts)]
            holds = all(each for each, _ in found) if is_all else any(each for each, _ in found)
            if holds == is_all:  # every part is needed
                return holds, [place for _, places in found for place in places]
            return holds, min((places for each, places in found if each == holds), key=len)
        case Not(part):
            holds, places = _because(part, f"{pointer}/not", verdicts)
            return not holds, places
        case Members(part, asks_hidden):
            holds, places = _because(part, f"{pointer}/{IN}", verdicts)
            if asks_hidden:
                return holds, places
            is_hidden = next(verdicts)
            return holds and not is_hidden, [f"{pointer}/{IN}/hidden"] if is_hidden else places
        case _:
            return next(verdicts), [pointer]
