"""Compares two indexes of one site: `regulars check` compares one kept up to date with a freshly loaded one.

Customers are compared by number, regardless of their ordinals and of where their texts are held.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import numpy as np
from pyroaring import BitMap

from regulars.audience.index import SiteIndex
from regulars.audience.structures.attribute_values import Path
from regulars.audience.structures.bitmaps import from_ordinals, to_ordinals
from regulars.audience.structures.event_facets import Facet
from regulars.audience.structures.events import EventColumn
from regulars.domain.changes import COLUMNS, NULL, TEXTS
from regulars.domain.relations import BY_CODE, FLAG

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def differences(left: SiteIndex, right: SiteIndex, *, limit: int = 100) -> list[str]:
    """At most `limit` differences, one sentence each; empty if both indexes answer every question alike."""
    return list(islice(_differences(left, right), limit))


def _differences(left: SiteIndex, right: SiteIndex) -> Iterator[str]:
    mine, theirs = _numbers(left, left.alive), _numbers(right, right.alive)
    yield from (f"customer {number}: only in the first" for number in mine - theirs)
    yield from (f"customer {number}: only in the second" for number in theirs - mine)
    both = mine & theirs
    yield from _columns(left, right, both)
    for relation, target in sorted({*left.ties, *right.ties}):
        tied = [_numbers(each, each.ties.get((relation, target)) or BitMap()) & both for each in (left, right)]
        for number in tied[0] ^ tied[1]:
            name = BY_CODE[relation].name if relation in BY_CODE else f"relation {relation}"
            to = "" if target == FLAG else f" to {target}"
            where = "first" if number in tied[0] else "second"
            yield f"customer {number}: {name}{to} only in the {where}"
    for name in TEXTS:
        texts = [_texts(each, name) for each in (left, right)]
        for number in sorted(texts[0].keys() | texts[1].keys()):
            first, second = texts[0].get(number), texts[1].get(number)
            if number in both and first != second:
                yield f"customer {number}: {name} is {first!r} in the first, {second!r} in the second"
        if name in left.spellings:
            spelled = [_spellings(each, name) for each in (left, right)]
            for number in both:
                if texts[0].get(number) == texts[1].get(number) and spelled[0].get(number) != spelled[1].get(number):
                    yield f"customer {number}: {name} is spelled differently in the first and the second"

    yield from _attributes(left, right, both)
    yield from _events(left, right, both)
    for key in sorted(set(left.tie_times) & set(right.tie_times)):
        times = [
            {
                int(each.numbering.values[ordinal]): at
                for ordinal, at in each.tie_times.columns([key])[0].items().items()
            }
            for each in (left, right)
        ]
        for number in both:
            if times[0].get(number) != times[1].get(number):
                yield f"customer {number}: the time of {BY_CODE[key[0]].name} to {key[1]} differs"


def _attributes(left: SiteIndex, right: SiteIndex, both: BitMap) -> Iterator[str]:
    """The customers whose attributes differ, of the columns that both indexes have."""
    for path in sorted(set(left.attributes) & set(right.attributes)):
        values = [_values(each, path) for each in (left, right)]
        for number in sorted(values[0].keys() | values[1].keys()):
            if number in both and values[0].get(number) != values[1].get(number):
                yield f"customer {number}: the attribute {'.'.join(path)} of the first and the second differ"


def _values(index: SiteIndex, path: Path) -> dict[int, bytes]:
    column = index.attributes.peek(path)
    assert column is not None
    numbers = index.numbering.values
    return {int(numbers[ordinal]): _encode(value) for ordinal, value in column.items()}


def _events(left: SiteIndex, right: SiteIndex, both: BitMap) -> Iterator[str]:
    """The customers whose events differ, of the columns that both indexes have."""
    for name in sorted(set(left.events) & set(right.events)):
        facets = left.events.column(name).facets.keys() & right.events.column(name).facets.keys()
        kept = [_kept_events(each, each.events.column(name), sorted(facets), both) for each in (left, right)]
        for number in sorted(kept[0].keys() | kept[1].keys()):
            if kept[0].get(number) != kept[1].get(number):
                yield f"customer {number}: the events {name} of the first and the second differ"


def _kept_events(
    index: SiteIndex, column: EventColumn, facets: Sequence[Facet], both: BitMap
) -> dict[int, Counter[tuple[Any, ...]]]:
    """What a column keeps of each customer."""
    found: dict[int, Counter[tuple[Any, ...]]] = {}
    numbers = index.numbering.values
    for ordinal, *rest in column.items(facets):
        number = int(numbers[ordinal])
        if number in both:
            found.setdefault(number, Counter())[tuple(rest)] += 1
    return found


def _columns(left: SiteIndex, right: SiteIndex, both: BitMap) -> Iterator[str]:
    numbers = to_ordinals(both)
    at = [each.numbering.ordinals(numbers) for each in (left, right)]
    for name in COLUMNS:
        first, second = left.columns[name].values[at[0]], right.columns[name].values[at[1]]
        for place in np.flatnonzero(first != second).tolist():
            was, now = ("unset" if value == NULL else int(value) for value in (first[place], second[place]))
            yield f"customer {numbers[place]}: {name} is {was} in the first, {now} in the second"


def _numbers(index: SiteIndex, ordinals: BitMap) -> BitMap:
    return from_ordinals(index.numbering.numbers(to_ordinals(ordinals & index.alive)))


def _texts(index: SiteIndex, name: str) -> dict[int, str]:
    numbers = index.numbering.numbers(np.arange(index.size)).tolist()
    return {numbers[ordinal]: text for ordinal, text in index.texts[name].items()}


def _spellings(index: SiteIndex, name: str) -> dict[int, str]:
    numbers = index.numbering.numbers(np.arange(index.size)).tolist()
    return {numbers[ordinal]: index.spellings[name].get(ordinal) for ordinal, _ in index.texts[name].items()}
