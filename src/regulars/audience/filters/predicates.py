"""Predicates: questions about customers as data.

The leaves are about ties, ranges, texts, similarity, identity and samples; boolean operators combine them. Objects are
given by number or key, customers by an identifier; `resolve` turns both into numbers before evaluation. An unknown name
matches nobody.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from regulars.audience.structures.attribute_values import Comparison, Path
from regulars.domain import relations
from regulars.domain.changes import Name


class Member(Struct, frozen=True, tag=True):
    """Tied by `relation` (a name in `domain.relations`) to any of the objects; for a flag, to `FLAG`."""

    relation: str
    ids: tuple[int | str, ...] = (relations.FLAG,)


class Range(Struct, frozen=True, tag=True):
    """A column (a name in `domain.changes.COLUMNS`) is set and in low..high, inclusive; None means no bound."""

    column: str
    low: int | None = None
    high: int | None = None


class Contains(Struct, frozen=True, tag=True):
    """The search key of a text field (a name in `domain.changes.TEXTS`) contains the search key of the text."""

    field: str
    text: str


class Matches(Struct, frozen=True, tag=True):
    """The search key of a text field equals, starts with or ends with the search key of the text.

    how: equals, starts or ends.
    """

    field: str
    how: str
    text: str


class HasText(Struct, frozen=True, tag=True):
    """The text field (a name in `domain.changes.TEXTS`) is set."""

    field: str


class Sampled(Struct, frozen=True, tag=True):
    """In a pseudo-random sample of `share` of 10,000 customers, fixed by the seed and the customer's number."""

    share: int
    seed: str


class Attribute(Struct, frozen=True, tag=True):
    """The value of an attribute passes the comparison. path: the names that lead to it, from the outside in."""

    path: Path
    comparison: Comparison


class HasAddress(Struct, frozen=True, tag=True):
    """The email address has this key (`domain.identity.address_key`)."""

    key: str


class Similar(Struct, frozen=True, tag=True):
    """Some word of the name or email address is similar to the text: pg_trgm's similarity is at least 0.5."""

    text: str


class SimilarAddress(Struct, frozen=True, tag=True):
    """The email address has this domain, and some word before its @ is similar to `local` (see Similar)."""

    local: str
    domain: str


class Identified(Struct, frozen=True, tag=True):
    """The customer whose identifier (one of CUSTOMER_NAMES) is exactly the key.

    number: set by `resolve`; set beforehand, it alone counts.
    """

    identifier: str
    key: str
    number: int | None = None


class All(Struct, frozen=True, tag=True):
    """Every part holds; without parts, matches everybody."""

    parts: "tuple[Predicate, ...]" = ()


class Any(Struct, frozen=True, tag=True):
    """At least one part holds; without parts, matches nobody."""

    parts: "tuple[Predicate, ...]" = ()


class Not(Struct, frozen=True, tag=True):
    """The part does not hold: the complement within the site's customers."""

    part: "Predicate"


Leaf = (
    Member
    | Range
    | Contains
    | Matches
    | HasText
    | Attribute
    | Sampled
    | HasAddress
    | Similar
    | SimilarAddress
    | Identified
)
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
    """The (kind, key) of every object given by key, and the (identifier, key) of every customer."""
    found: set[Name] = set()
    for leaf in leaves(predicate):
        if isinstance(leaf, Member):
            kind = relations.BY_NAME[leaf.relation].kind
            found.update((kind, each) for each in leaf.ids if kind is not None and isinstance(each, str))
        elif isinstance(leaf, Identified) and leaf.number is None:
            found.add((leaf.identifier, leaf.key))
    return found


def attributes(predicate: Predicate) -> set[Path]:
    """The paths of all attributes in the predicate."""
    return {leaf.path for leaf in leaves(predicate) if isinstance(leaf, Attribute)}


def resolve(predicate: Predicate, numbers: Mapping[Name, int | None]) -> Predicate:
    """Replace names (see `keys`) by numbers; names that are missing from `numbers` match nothing."""
    match predicate:
        case Member(relation, ids):
            kind = relations.BY_NAME[relation].kind or ""
            known = (each if isinstance(each, int) else numbers.get((kind, each)) for each in ids)
            return Member(relation, tuple(each for each in known if each is not None))
        case Identified(identifier, key, None):
            return Identified(identifier, key, numbers.get((identifier, key)))
        case All(parts):
            return All(tuple(resolve(part, numbers) for part in parts))
        case Any(parts):
            return Any(tuple(resolve(part, numbers) for part in parts))
        case Not(part):
            return Not(resolve(part, numbers))
        case _:
            return predicate
