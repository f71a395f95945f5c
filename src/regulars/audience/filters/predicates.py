"""Predicates: questions about customers, as data.

Five kinds of leaf (ties, ranges, text, similarity, identity) and the boolean algebra. An object is named by its
number or its key, a customer by an identifier; both become numbers (`resolve`) before a predicate is evaluated, and
one that is unknown selects nobody.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from regulars.domain import relations
from regulars.domain.changes import Name


class Member(Struct, frozen=True, tag=True):
    """Tied by `relation` (a name of `domain.relations`) to any of the objects; of a flag, to `FLAG`."""

    relation: str
    ids: tuple[int | str, ...] = (relations.FLAG,)


class Range(Struct, frozen=True, tag=True):
    """A column (a name of `domain.changes.COLUMNS`) is set and within low..high, both included; None is no bound."""

    column: str
    low: int | None = None
    high: int | None = None


class Contains(Struct, frozen=True, tag=True):
    """The search key of a text field (a name of `domain.changes.TEXTS`) contains that of the text."""

    field: str
    text: str


class HasAddress(Struct, frozen=True, tag=True):
    """The e-mail address is that of the key (`domain.identity.address_key`)."""

    key: str


class Similar(Struct, frozen=True, tag=True):
    """Some word of the name or e-mail address is similar to the text: pg_trgm's similarity is at least 0.5."""

    text: str


class SimilarAddress(Struct, frozen=True, tag=True):
    """The e-mail address is of the domain, and some word before its @ is similar to `local` (see Similar)."""

    local: str
    domain: str


class Identified(Struct, frozen=True, tag=True):
    """The customer whose identifier (of CUSTOMER_NAMES) is exactly the key: its number, once that is resolved."""

    identifier: str
    key: str
    number: int | None = None


class All(Struct, frozen=True, tag=True):
    """Every part holds; of no parts, everybody."""

    parts: "tuple[Predicate, ...]" = ()


class Any(Struct, frozen=True, tag=True):
    """At least one part holds; of no parts, nobody."""

    parts: "tuple[Predicate, ...]" = ()


class Not(Struct, frozen=True, tag=True):
    """The part does not hold: the complement within the site's customers."""

    part: "Predicate"


Leaf = Member | Range | Contains | HasAddress | Similar | SimilarAddress | Identified
Predicate = Leaf | All | Any | Not

EVERYBODY = All()


def present(column: str) -> Range:
    """The column is set."""
    return Range(column)


def leaves(predicate: Predicate) -> Iterator[Leaf]:
    """Every leaf of the predicate, left to right."""
    match predicate:
        case All(parts) | Any(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield predicate


def keys(predicate: Predicate) -> set[Name]:
    """The (kind, key) of every object that is named by its key, and (identifier, key) of every customer."""
    found: set[Name] = set()
    for leaf in leaves(predicate):
        if isinstance(leaf, Member):
            kind = relations.BY_NAME[leaf.relation].kind
            found.update((kind, each) for each in leaf.ids if kind is not None and isinstance(each, str))
        elif isinstance(leaf, Identified):
            found.add((leaf.identifier, leaf.key))
    return found


def resolve(predicate: Predicate, numbers: Mapping[Name, int | None]) -> Predicate:
    """The predicate with the numbers of what it names by `keys`; those that `numbers` does not know name nothing."""
    match predicate:
        case Member(relation, ids):
            kind = relations.BY_NAME[relation].kind or ""
            known = (each if isinstance(each, int) else numbers.get((kind, each)) for each in ids)
            return Member(relation, tuple(each for each in known if each is not None))
        case Identified(identifier, key):
            return Identified(identifier, key, numbers.get((identifier, key)))
        case All(parts):
            return All(tuple(resolve(part, numbers) for part in parts))
        case Any(parts):
            return Any(tuple(resolve(part, numbers) for part in parts))
        case Not(part):
            return Not(resolve(part, numbers))
        case _:
            return predicate
