"""What a condition on events or on times of ties saw of one customer: the value that was compared, and the event."""

from typing import Any, Final

import numpy as np
from msgspec import Struct

from regulars.audience.event_evaluation import measured, selected
from regulars.audience.event_sequences import times_of_steps
from regulars.audience.filters.predicates import Followed, Happened, Predicate, TiedSince, leaves
from regulars.audience.index import SiteIndex
from regulars.audience.questions.tree import (
    Condition,
    DidCondition,
    MailCondition,
    SequenceCondition,
    TieCondition,
)
from regulars.audience.structures.event_facets import AMOUNT, LOG
from regulars.audience.structures.events import AT
from regulars.domain.moments import iso
from regulars.domain.money import decimal_text
from regulars.domain.relations import BY_NAME

_PLACES: Final = 6


class SeenValue(Struct, frozen=True):
    """field: what was looked at. value: as JSON has it; None: there is none.

    events, at: the names that the event with the evidence may have, and its time (ms); None: there is no such event.
    """

    field: str
    value: Any
    events: tuple[str, ...] = ()
    at: int | None = None


def observed(condition: Condition, predicate: Predicate, index: SiteIndex, ordinal: int) -> SeenValue | None:
    """What a condition saw, given its resolved predicate; None if it is about neither events nor times of ties.

    Raises MissingColumnError if a column is not built.
    """
    found = list(leaves(predicate))
    if isinstance(condition, DidCondition | MailCondition) and isinstance(found[0], Happened):
        name = condition.event if isinstance(condition, DidCondition) else condition.status
        return _happened(name, found[0], index, ordinal)
    if isinstance(condition, TieCondition) and condition.when is not None:
        times = [at for leaf in found if isinstance(leaf, TiedSince) for at in _tied(leaf, index, ordinal)]
        return SeenValue(condition.kind, iso(max(times)) if times else None)
    if isinstance(condition, SequenceCondition) and isinstance(found[0], Followed):
        times_of = times_of_steps(found[0], index, ordinal)
        return SeenValue("sequence", [iso(max(times)) if times else None for times in times_of])
    return None


def _happened(name: str, leaf: Happened, index: SiteIndex, ordinal: int) -> SeenValue:
    more = ([leaf.of] if leaf.of else []) + ([LOG] if leaf.measure == "emails" else [])
    values: list[Any] = []
    at: list[int] = []
    for column, picked, currency in selected(leaf.selection, index, ordinal, more):
        values += measured(leaf, column, picked, currency)[1].tolist()
        at += picked[AT].tolist()
    evidence = (min(at) if leaf.measure == "first" else max(at)) if at else None
    return SeenValue(name, _value(leaf, values), leaf.selection.names, evidence)


def _value(leaf: Happened, values: list[Any]) -> Any:
    match leaf.measure:
        case "times" | "emails":
            return len(values)
        case _ if not values:
            return None
        case "first" | "last":
            return iso(min(values) if leaf.measure == "first" else max(values))
        case "min" | "max":
            value = min(values) if leaf.measure == "min" else max(values)
        case "sum":
            value = sum(values)
        case _:
            value = sum(values) / len(values)
    return decimal_text(round(value)) if leaf.of == AMOUNT else float(np.round(value, _PLACES))


def _tied(leaf: TiedSince, index: SiteIndex, ordinal: int) -> list[int]:
    code = BY_NAME[leaf.relation].code
    tied = [(code, target) for target in leaf.ids if isinstance(target, int)]
    times = (column.get(ordinal) for column in index.tie_times.columns(tied))
    return [at for at in times if at is not None]
