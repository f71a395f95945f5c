"""EventColumn: all events of one name, of all customers, in the order of time.

New events gather in a short unsorted tail, which `tidy` merges now and then. Events are only ever added: those of
deleted customers stay, under ordinals that are in no answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from regulars.audience.structures.columns import Growable
from regulars.audience.structures.event_facets import Facet, FacetKind, Happening, Property, facet_kind
from regulars.audience.structures.value_codes import UNSET, ValueCodes

Mask = NDArray[np.bool_]
Spans = Sequence[tuple[int | None, int | None]]
"""Periods in ms, both ends inclusive; None: no bound."""

EVER: Final[Spans] = ((None, None),)
ORDINALS: Final = "ordinals"
AT: Final = "at"
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_FEW: Final = 2
"""Of fewer than one event in so many, the places are kept, by which arrays are gathered faster than by a mask."""

_LEAST_TAIL: Final = 1_000
_TAIL_SHARE: Final = 64
"""A tail of up to one event in so many is not merged yet."""


class Events:
    """Arrays of the same length, one element for each event: ORDINALS, AT, and those of the facets."""

    def __init__(self, kinds: Iterable[FacetKind]) -> None:
        self.arrays = {ORDINALS: Growable(np.uint32, 0), AT: Growable(np.int64, 0)}
        for kind in kinds:
            self.arrays.update({name: Growable(dtype, fill) for name, (dtype, fill) in kind.arrays.items()})

    def __len__(self) -> int:
        return self.arrays[AT].size

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name].values

    def sorted_with(self, others: Sequence["Events"]) -> dict[str, NDArray[Any]]:
        """The arrays of all in the order of time."""
        at = np.concatenate([self[AT], *(each[AT] for each in others)])
        order = np.argsort(at, kind="stable")
        return {name: np.concatenate([self[name], *(each[name] for each in others)])[order] for name in self.arrays}

    @property
    def nbytes(self) -> int:
        """Memory use in bytes."""
        return sum(each.nbytes for each in self.arrays.values())


class Picked:
    """Some events of a column. The arrays are gathered when they are asked for."""

    def __init__(self, places: Sequence[tuple[Events, Any]]) -> None:
        self._places = places
        self._kept: Mask | NDArray[np.intp] | None = None

    def __getitem__(self, name: str) -> NDArray[Any]:
        pieces = [events[name][place] for events, place in self._places]
        values = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        return values if self._kept is None else values[self._kept]

    def keep(self, mask: Mask) -> None:
        """Drop the events for which the mask, one element for each event left, is False."""
        if self._kept is not None and self._kept.dtype == np.bool_:
            self._kept = np.flatnonzero(self._kept)
        if self._kept is not None:
            self._kept = self._kept[mask]
        elif int(np.count_nonzero(mask)) * _FEW < mask.size:
            self._kept = np.flatnonzero(mask)
        else:
            self._kept = mask


class EventColumn:
    """The events of a name, with some facets."""

    def __init__(self, name: str, facets: Iterable[Facet] = ()) -> None:
        self.name = name
        self.facets = {facet: facet_kind(facet) for facet in sorted(facets)}
        self._events = self._nothing(), self._nothing()  # in the order of time, and the tail; replaced together
        self._repeats: bool | None = None
        self._alone: tuple[int, list[tuple[Events, Any]]] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._events))

    def _nothing(self) -> Events:
        return Events(self.facets.values())

    def extend(self, ordinals: NDArray[np.uint32], at: NDArray[np.int64], happenings: Sequence[Happening]) -> None:
        """Add events. happenings: one for each of them; not needed by a column without facets."""
        tail = self._events[1]
        tail.arrays[ORDINALS].extend(ordinals)
        tail.arrays[AT].extend(at)
        for kind in self.facets.values():
            values = list(zip(*map(kind.values, happenings), strict=True)) or [()] * len(kind.arrays)
            for (name, (dtype, _)), array in zip(kind.arrays.items(), values, strict=True):
                tail.arrays[name].extend(np.array(array, dtype=dtype))
        self._repeats = None
        self._alone = None

    def renumber(self, numbers: NDArray[np.uint32]) -> None:
        """Turn the numbers of customers, under which a column is built, into ordinals. Drops those that are unknown.

        numbers: of all customers, ascending; their places are the ordinals.
        """
        is_dense = numbers.size and int(numbers[-1]) == numbers.size
        events, tail = (self._renumbered(each, numbers, is_dense=bool(is_dense)) for each in self._events)
        self._events = events, tail

    def _renumbered(self, events: Events, numbers: NDArray[np.uint32], *, is_dense: bool) -> Events:
        given = events[ORDINALS]
        if is_dense:
            places: NDArray[Any] = given - np.uint32(1)
            known = (given > 0) & (given <= numbers.size)
        else:
            places = np.searchsorted(numbers, given)
            places[places == numbers.size] = 0
            known = numbers[places] == given if numbers.size else np.zeros(given.size, dtype=np.bool_)
        fresh = self._nothing()
        for name, array in fresh.arrays.items():
            array.adopt((places.astype(np.uint32, copy=False) if name == ORDINALS else events[name])[known])
        return fresh

    def reassign(self, ordinal: int, whole: int) -> None:
        """Give the events of a customer to another one, both by their ordinals."""
        for events in self._events:
            ordinals = events[ORDINALS]
            ordinals[ordinals == np.uint32(ordinal)] = np.uint32(whole)
        self._alone = None

    def items(self, facets: Iterable[Facet]) -> Iterator[tuple[Any, ...]]:
        """(ordinal, at, what each facet keeps) of every event. Values of properties are as JSON text."""
        for events in self._events:
            arrays: list[list[Any]] = [events[ORDINALS].tolist(), events[AT].tolist()]
            for facet in facets:
                kind = self.facets[facet]
                for name in kind.arrays:
                    values: list[Any] = events[name].tolist()
                    if isinstance(kind, Property):
                        values = [None if code == UNSET else _encode(kind.codes.values[code]) for code in values]
                    arrays.append(values)
            yield from zip(*arrays, strict=True)

    def codes(self, facet: Facet) -> ValueCodes:
        """The values of a property."""
        kind = self.facets[facet]
        assert isinstance(kind, Property)
        return kind.codes

    def pick(self, spans: Spans = EVER) -> Picked:
        """The events in the spans, which must not overlap."""
        events, tail = self._events
        places: list[tuple[Events, Any]] = []
        at = events[AT]
        for low, high in spans:
            first = 0 if low is None else int(np.searchsorted(at, low))
            last = at.size if high is None else int(np.searchsorted(at, high, side="right"))
            if first < last:
                places.append((events, slice(first, last)))
        if len(tail):
            places.append((tail, np.flatnonzero(within_spans(tail[AT], spans))))
        return Picked(places or [(events, slice(0, 0))])

    def pick_of(self, ordinal: int, spans: Spans = EVER) -> Picked:
        """The events of one customer in the spans."""
        alone = self._alone
        if alone is None or alone[0] != ordinal:
            found: list[tuple[Events, Any]] = [
                (each, np.flatnonzero(each[ORDINALS] == np.uint32(ordinal))) for each in self._events
            ]
            self._alone = alone = ordinal, found
        return Picked([(each, places[within_spans(each[AT][places], spans)]) for each, places in alone[1]])

    def count(self, spans: Spans) -> int:
        """About how many events are in the spans."""
        at = self._events[0][AT]
        found = len(self._events[1])
        for low, high in spans:
            first = 0 if low is None else int(np.searchsorted(at, low))
            last = at.size if high is None else int(np.searchsorted(at, high, side="right"))
            found += max(last - first, 0)
        return found

    @property
    def has_repeats(self) -> bool:
        """Whether several events are of one email. Only for a column with LOG."""
        if self._repeats is None:
            logs = np.sort(np.concatenate([each["log"] for each in self._events]))
            self._repeats = bool((logs[1:] == logs[:-1]).any())
        return self._repeats

    @property
    def is_untidy(self) -> bool:
        """Whether the tail should be merged."""
        events, tail = self._events
        return len(tail) > _LEAST_TAIL + len(events) // _TAIL_SHARE

    def tidy(self) -> None:
        """Merge the tail. Questions may be asked meanwhile, but nothing may be added."""
        events, tail = self._events
        merged = self._nothing()
        for name, values in events.sorted_with([tail]).items():
            merged.arrays[name].adopt(values)
        self._events = merged, self._nothing()
        self._alone = None

    @property
    def nbytes(self) -> int:
        """Approximate memory use in bytes."""
        codes = sum(kind.codes.nbytes for kind in self.facets.values() if isinstance(kind, Property))
        return sum(each.nbytes for each in self._events) + codes


def within_spans(at: NDArray[np.int64], spans: Spans) -> Mask:
    """Whether each time is in one of the spans."""
    inside = np.zeros(at.size, dtype=np.bool_)
    for low, high in spans:
        each = np.ones(at.size, dtype=np.bool_)
        if low is not None:
            each &= at >= low
        if high is not None:
            each &= at <= high
        inside |= each
    return inside
