"""Movements: who has entered a set of customers and who has left it, and which conditions the clock has flipped."""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct
from pyroaring import BitMap

from regulars.audience.evaluate import evaluate
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import resolve
from regulars.audience.index import SiteIndex
from regulars.audience.questions.selecting import predicate_of
from regulars.audience.questions.tree import Node, conditions
from regulars.audience.questions.why import IN, pointers_of
from regulars.audience.structures.bitmaps import from_ordinals, to_ordinals
from regulars.domain.changes import Name

_HASH_BYTES: Final = 7
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Difference(Struct, frozen=True):
    """The customers who have entered or left, by number. members: all who are in now.

    leaves: of those whom the clock may have moved, the JSON pointer of the condition that it flipped, in the question
    of the audience.
    """

    members: BitMap
    entered: BitMap
    left: BitMap
    leaves: Mapping[int, str]

    @property
    def changed(self) -> BitMap:
        """Who has entered or left."""
        return self.entered | self.left


def hash_of(node: Node) -> int:
    """A number that tells a question, with the audiences in place, from others."""
    return int.from_bytes(hashlib.sha256(_encode(node)).digest()[:_HASH_BYTES])


def difference(
    node: Node,
    index: SiteIndex,
    matches: BitMap,
    members: BitMap,
    moments: tuple[Moment, Moment],
    names: Mapping[Name, int],
) -> Difference:
    """What has changed since the members were looked at. node: an audience as a question (`expand_audience`).

    matches: the ordinals of those who match it now. moments: when the members were looked at, and now. names: the
    numbers behind the names in the question.
    """
    now = from_ordinals(index.numbering.numbers(to_ordinals(matches)))
    entered, left = now - members, members - now
    leaves: dict[int, str] = {}
    moved = index.ordinals_of(entered | left)
    if moved:
        within = BitMap(moved.values())
        for pointer, condition in zip(pointers_of(node), conditions(node), strict=True):
            then, today = (resolve(predicate_of(condition, each), names) for each in moments)
            if then != today:
                flipped = evaluate(then, index, within) ^ evaluate(today, index, within)
                for number in index.numbering.numbers(to_ordinals(flipped)).tolist():
                    leaves.setdefault(number, pointer.removeprefix(f"/{IN}"))
    return Difference(now, entered, left, leaves)
