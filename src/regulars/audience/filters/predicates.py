"""Predicates: questions about customers as data.

The leaves are about ties, ranges, texts, similarity, identity and samples; boolean operators combine them. Objects are
given by number or key, customers by an identifier; `resolve` turns both into numbers before evaluation. An unknown name
matches nobody.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from regulars.audience.structures.attribute_values import Comparison, Path
from regulars.audience.structures.event_facets import AMOUNT, LOG, Facet, of_object
from regulars.domain import relations
from regulars.domain.changes import SITE_CURRENCY, Name

SENT: Final = "email_sent"
"""The event that says what an email was sent for; later events of the email need not."""


class Member(Struct, frozen=True, tag=True):
    """Tied by `relation` (a name in `domain.relations`) to any of the objects; for a flag, to `FLAG`."""

    relation: str
    ids: tuple[int | str, ...] = (relations.FLAG,)


class TiedSince(Struct, frozen=True, tag=True):
    """Tied as in Member, since a moment in one of the spans (ms, inclusive)."""

    relation: str
    ids: tuple[int | str, ...]
    spans: tuple[tuple[int | None, int | None], ...]


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


class InBucket(Struct, frozen=True, tag=True):
    """The customer's control bucket, 1 to 100."""

    bucket: int


class Attribute(Struct, frozen=True, tag=True):
    """The value of an attribute passes the comparison. path: the names that lead to it, from the outside in."""

    path: Path
    comparison: Comparison


class PropertyTest(Struct, frozen=True, tag=True):
    """A property of an event passes the comparison, or, if negated, does not. facet: where it is kept.

    For AMOUNT the comparison is a range of cents; amounts in another currency than the site's pass none.
    """

    facet: Facet
    comparison: Comparison
    negated: bool = False


class Selection(Struct, frozen=True, tag=True):
    """Events of these names in one of the spans (ms, inclusive) that pass every test.

    objects: (kind, ids): the email was sent for one of these. currency: that of the site, set by `resolve`.
    """

    names: tuple[str, ...]
    spans: tuple[tuple[int | None, int | None], ...] = ((None, None),)
    where: tuple[PropertyTest, ...] = ()
    objects: tuple[tuple[str, tuple[int | str, ...]], ...] = ()
    currency: int = 0

    @property
    def needs_currency(self) -> bool:
        """Whether a test is about money."""
        return any(test.facet == AMOUNT for test in self.where)

    @property
    def needs_sending(self) -> bool:
        """Whether the event of the email's sending counts, too, for what the email was sent for. As ties have it, that
        is so for all but broadcasts."""
        return any(kind != "broadcast" for kind, _ in self.objects)


class Happened(Struct, frozen=True, tag=True):
    """What the selected events of a customer come to is in the range: (low, high, low included, high included).

    measure: "times"; "emails", each counted once; "sum", "avg", "min" or "max" of the facet `of`, in cents for AMOUNT;
    "first" or "last", the time of that event, which is in one of `during`. Without events only the numbers of times
    and emails are something, 0.
    """

    selection: Selection
    measure: str = "times"
    of: Facet = ()
    bounds: tuple[float | None, float | None, bool, bool] = (1, None, True, True)
    during: tuple[tuple[int | None, int | None], ...] = ()


class Followed(Struct, frozen=True, tag=True):
    """Events happened one after another, each later than the one before. `steps`: what, and whether it is absent.

    within: ms from the first event to the last one. An absent step says that nothing of it happened between its
    neighbours; as the last step, that nothing of it happened until the end of `within`, which must be over at `now`.
    """

    steps: tuple[tuple[Selection, bool], ...]
    within: int | None
    now: int


class HasAddress(Struct, frozen=True, tag=True):
    """The email address has this key (`domain.identity.address_key`)."""

    key: str


class Similar(Struct, frozen=True, tag=True):
    """Some word of the name or email address is the text but for the typing errors that a word of its length may have.

    The rule is in `structures.typos`. is_prefix: it is enough that the word begins so.
    """

    text: str
    is_prefix: bool = False


class SimilarAddress(Struct, frozen=True, tag=True):
    """The email address has this domain, and before its @ a word similar to each word of `local` (see Similar)."""

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
    | TiedSince
    | Range
    | Contains
    | Matches
    | HasText
    | Attribute
    | Happened
    | Followed
    | Sampled
    | InBucket
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
        if isinstance(leaf, Member | TiedSince):
            kind = relations.BY_NAME[leaf.relation].kind
            found.update((kind, each) for each in leaf.ids if kind is not None and isinstance(each, str))
        elif isinstance(leaf, Identified) and leaf.number is None:
            found.add((leaf.identifier, leaf.key))
        elif isinstance(leaf, Happened | Followed):
            for selection in selections(leaf):
                found.update((kind, each) for kind, ids in selection.objects for each in ids if isinstance(each, str))
                if selection.needs_currency or (isinstance(leaf, Happened) and leaf.of == AMOUNT):
                    found.add(SITE_CURRENCY)
    return found


def selections(leaf: Happened | Followed) -> tuple[Selection, ...]:
    """The events that a leaf is about."""
    return (leaf.selection,) if isinstance(leaf, Happened) else tuple(step for step, _ in leaf.steps)


def event_columns(predicate: Predicate) -> dict[str, frozenset[Facet]]:
    """The names of all events in the predicate, with the facets that are needed of each."""
    found: dict[str, set[Facet]] = {}
    for leaf in leaves(predicate):
        if isinstance(leaf, Happened | Followed):
            for selection in selections(leaf):
                facets = {test.facet for test in selection.where}
                if isinstance(leaf, Happened):
                    facets |= ({leaf.of} if leaf.of else set()) | ({LOG} if leaf.measure == "emails" else set())
                objects = {of_object(kind) for kind, _ in selection.objects}
                for name in selection.names:
                    found.setdefault(name, set()).update(facets, objects, {LOG} if selection.needs_sending else ())
                if selection.needs_sending:
                    found.setdefault(SENT, set()).update(objects, {LOG})
    return {name: frozenset(facets) for name, facets in found.items()}


def attributes(predicate: Predicate) -> set[Path]:
    """The paths of all attributes in the predicate."""
    return {leaf.path for leaf in leaves(predicate) if isinstance(leaf, Attribute)}


def resolve(predicate: Predicate, numbers: Mapping[Name, int | None]) -> Predicate:
    """Replace names (see `keys`) by numbers; names that are missing from `numbers` match nothing."""
    match predicate:
        case Member(relation, ids):
            kind = relations.BY_NAME[relation].kind or ""
            return Member(relation, _numbered(kind, ids, numbers))
        case TiedSince(relation, ids):
            kind = relations.BY_NAME[relation].kind or ""
            return replace(predicate, ids=_numbered(kind, ids, numbers))
        case Happened():
            return replace(predicate, selection=_resolved(predicate.selection, numbers))
        case Followed(steps):
            return replace(predicate, steps=tuple((_resolved(each, numbers), absent) for each, absent in steps))
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


def _resolved(selection: Selection, numbers: Mapping[Name, int | None]) -> Selection:
    objects = tuple((kind, _numbered(kind, ids, numbers)) for kind, ids in selection.objects)
    return replace(selection, objects=objects, currency=numbers.get(SITE_CURRENCY) or 0)


def _numbered(kind: str, ids: tuple[int | str, ...], numbers: Mapping[Name, int | None]) -> tuple[int, ...]:
    known = (each if isinstance(each, int) else numbers.get((kind, each)) for each in ids)
    return tuple(each for each in known if each is not None)
