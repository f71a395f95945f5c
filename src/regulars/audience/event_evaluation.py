"""Evaluation of what customers did: counts, sums, extremes and times over event columns."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from regulars.audience.filters.predicates import SENT, Happened, PropertyTest, Selection
from regulars.audience.index import SiteIndex
from regulars.audience.structures.bitmaps import from_mask
from regulars.audience.structures.event_facets import AMOUNT, CENTS, CURRENCY, LOG, Facet, array_of, of_object
from regulars.audience.structures.events import AT, EVER, ORDINALS, EventColumn, Mask, Picked, within_spans
from regulars.domain.changes import NULL

_EXACT: Final = 2**53
"""Whole numbers up to this are exact as floating-point numbers."""

_PLACES: Final = 6
"""Decimal places to which sums of numbers are compared."""


def happened(leaf: Happened, index: SiteIndex, within: BitMap) -> BitMap:
    """The ordinals in `within` for which the events come to what is asked.

    Raises MissingColumnError if a column is not built.
    """
    alone = int(within[0]) if len(within) == 1 else None
    more = ([leaf.of] if leaf.of else []) + ([LOG] if leaf.measure == "emails" else [])
    found = [measured(leaf, *each) for each in selected(leaf.selection, index, alone, more)]
    ordinals = np.concatenate([each[0] for each in found])
    values = np.concatenate([each[1] for each in found])
    if alone is not None:
        return within if passing(leaf, np.zeros_like(ordinals), values, 1)[0] else BitMap()
    return from_mask(passing(leaf, ordinals, values, index.size)) & within


def selected(
    selection: Selection, index: SiteIndex, alone: int | None, more: Iterable[Facet] = ()
) -> list[tuple[EventColumn, Picked, int]]:
    """The selected events of each name, with the currency that counts. alone: of this customer only.

    more: facets that are needed besides. Raises MissingColumnError if a column is not built.
    """
    found = []
    facets = {test.facet for test in selection.where} | {of_object(kind) for kind, _ in selection.objects} | set(more)
    facets |= {LOG} if selection.needs_sending else set()
    for name in selection.names:
        column = index.events.column(name, facets)
        picked = column.pick(selection.spans) if alone is None else column.pick_of(alone, selection.spans)
        for test in selection.where:
            picked.keep(_passes(test, column, picked, selection.currency))
        for kind, ids in selection.objects:
            picked.keep(_sent_for(kind, ids, index, picked, alone))
        found.append((column, picked, selection.currency))
    return found


def _passes(test: PropertyTest, column: EventColumn, picked: Picked, currency: int) -> Mask:
    if test.facet == AMOUNT:
        cents = picked[CENTS]
        passes: Mask = counted(picked, currency) & _in_range(cents, test.comparison.values)
    else:
        passes = column.codes(test.facet).passing(test.comparison)[picked[array_of(test.facet)]]
    return ~passes if test.negated else passes


def counted(picked: Picked, currency: int) -> Mask:
    """Whether each event has an amount that counts: one in the currency of the site, or in none."""
    named = picked[CURRENCY]
    counts: Mask = (picked[CENTS] != NULL) & ((named == 0) | (named == currency))
    return counts


def _sent_for(kind: str, ids: tuple[int | str, ...], index: SiteIndex, picked: Picked, alone: int | None) -> Mask:
    """Whether the email of each event was sent for one of the objects: its event says so, or that of its sending."""
    wanted = np.array(ids, dtype=np.int64)
    own: Mask = picked[kind] == wanted[0] if wanted.size == 1 else np.isin(picked[kind], wanted)
    if kind == "broadcast":  # as ties have it
        return own
    sent = index.events.column(SENT, (LOG, of_object(kind)))
    sending = sent.pick() if alone is None else sent.pick_of(alone)
    return own | np.isin(picked["log"], sending["log"][np.isin(sending[kind], wanted)])


def measured(leaf: Happened, column: EventColumn, picked: Picked, currency: int) -> tuple[Any, Any]:
    """The ordinals of the events that count for the measure, and their values. Drops events without a value."""
    match leaf.measure:
        case "times":
            ordinals = picked[ORDINALS]
            return ordinals, ordinals
        case "emails":
            ordinals = picked[ORDINALS]
            if column.has_repeats:
                _, firsts = np.unique(picked["log"], return_index=True)
                ordinals = ordinals[firsts]
            return ordinals, ordinals
        case "first" | "last":
            return picked[ORDINALS], picked[AT]
    if leaf.of == AMOUNT:
        picked.keep(counted(picked, currency))
        return picked[ORDINALS], picked[CENTS]
    numbers = column.codes(leaf.of).numbers()[picked[array_of(leaf.of)]]
    picked.keep(~np.isnan(numbers))
    return picked[ORDINALS], numbers[~np.isnan(numbers)]


def passing(leaf: Happened, ordinals: NDArray[Any], values: NDArray[Any], size: int) -> Mask:
    """Whether each ordinal below `size` passes, given the events that count and their values."""
    counts = np.bincount(ordinals, minlength=size)
    low, high, *included = leaf.bounds
    match leaf.measure:
        case "times" | "emails":
            return _in_range(counts, (low, high, *included))
        case "first" | "last":
            return (counts > 0) & within_spans(
                _extreme(ordinals, values, size, is_largest=leaf.measure == "last"), leaf.during
            )
        case "min" | "max":
            return (counts > 0) & _in_range(
                _extreme(ordinals, values, size, is_largest=leaf.measure == "max"), leaf.bounds
            )
        case "sum":
            return (counts > 0) & _in_range(_sums(ordinals, values, size), leaf.bounds)
    sums = _sums(ordinals, values, size)
    inside: Mask = counts > 0
    for bound, is_low, with_it in ((low, True, included[0]), (high, False, included[1])):
        if bound is not None:
            over = sums - (int(bound) if sums.dtype == np.int64 else bound) * counts  # no division, no rounding
            over = over if sums.dtype == np.int64 else np.round(over, _PLACES)
            inside &= (over > 0 if is_low else over < 0) | ((over == 0) & with_it)
    return inside


def _sums(ordinals: NDArray[Any], values: NDArray[Any], size: int) -> NDArray[Any]:
    if values.dtype != np.int64:
        return np.round(np.bincount(ordinals, weights=values, minlength=size), _PLACES)
    if values.size == 0 or float(np.abs(values).max()) * values.size < _EXACT:
        return np.bincount(ordinals, weights=values, minlength=size).astype(np.int64)
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, ordinals, values)
    return sums


def _extreme(ordinals: NDArray[Any], values: NDArray[Any], size: int, *, is_largest: bool) -> NDArray[Any]:
    is_whole = values.dtype == np.int64
    ends = (NULL, -(NULL + 1)) if is_whole else (-np.inf, np.inf)
    found = np.full(size, ends[0] if is_largest else ends[1], dtype=values.dtype)
    (np.maximum if is_largest else np.minimum).at(found, ordinals, values)
    return found


def _in_range(values: NDArray[Any], bounds: tuple[Any, ...]) -> Mask:
    low, high, with_low, with_high = bounds
    inside = np.ones(values.size, dtype=np.bool_)
    if low is not None:
        inside &= (values >= low) if with_low else (values > low)
    if high is not None:
        inside &= (values <= high) if with_high else (values < high)
    return inside


def events_cost(selection: Selection, index: SiteIndex) -> float:
    """The approximate cost of going through the selected events, in microseconds.

    Raises MissingColumnError if a column is not built.
    """
    count = sum(index.events.column(name).count(selection.spans) for name in selection.names)
    if selection.needs_sending:
        count += index.events.column(SENT).count(EVER)
    return 20 + count * (1 + len(selection.where) + 2 * len(selection.objects)) / 200
