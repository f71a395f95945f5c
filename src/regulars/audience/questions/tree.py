"""The tree of a question: all, any and not over conditions. Both forms are read into it and written from it."""

from collections.abc import Iterable, Iterator
from typing import Any as AnyValue
from typing import Final

from msgspec import Struct

from regulars.audience.questions.windows import Window
from regulars.audience.structures.attribute_values import Path, Scalar

MOST_DEPTH: Final = 16
MOST_LEAVES: Final = 200
MOST_IDS: Final = 1_000
MOST_DID: Final = 20
"""Conditions about what customers did, each step of a sequence counted by itself."""

MOST_BYTES: Final = 64 * 1024
MOST_TEXT: Final = 4_096

WITHOUT_TIME: Final = frozenset({"dropped", "unsubscribed"})
"""Statuses of emails whose latest time is not kept with the customer."""

Id = int | str
"""An object, by number or key."""


class All(Struct, frozen=True, tag=True):
    """Every part holds; without parts, everybody."""

    parts: "tuple[Node, ...]" = ()


class Any(Struct, frozen=True, tag=True):
    """At least one part holds; without parts, nobody."""

    parts: "tuple[Node, ...]" = ()


class Not(Struct, frozen=True, tag=True):
    """The part does not hold. An exact complement: what is unset is included."""

    part: "Node"


class FilterCondition(Struct, frozen=True, tag=True):
    """A named filter of the query string, with its value as it is written there."""

    name: str
    value: str


class StateCondition(Struct, frozen=True, tag=True):
    """The customer is in a state, such as subscribed. when: since a moment in this window."""

    state: str
    when: Window | None = None


class TieCondition(Struct, frozen=True, tag=True):
    """Tied to objects of a kind. quantifier: any_of, all_of or none_of the ids. passed: of assessments, the result.

    when: since a moment in this window.
    """

    kind: str
    quantifier: str
    ids: tuple[Id, ...]
    passed: bool | None = None
    when: Window | None = None


class FieldCondition(Struct, frozen=True, tag=True):
    """A field compared with values. operator: one that the kind of the field has. values: canonical texts."""

    field: str
    operator: str
    values: tuple[str, ...] = ()
    when: Window | None = None


class AttributeCondition(Struct, frozen=True, tag=True):
    """An attribute compared with values of JSON types. path: the names that lead to it."""

    path: Path
    operator: str
    values: tuple[Scalar, ...] = ()
    when: Window | None = None


class PropertyCondition(Struct, frozen=True, tag=True):
    """A property of an event compared with values. Amounts of money are decimal texts."""

    path: Path
    operator: str
    values: tuple[Scalar, ...] = ()


Times = tuple[int | None, int | None]
"""The least and the largest number of times; None: no bound."""


class MailCondition(Struct, frozen=True, tag=True):
    """An email reached a status. broadcasts, templates, sequences: sent for any of these; empty: for anything.

    times: how often; None: at least once. url: of the link that was clicked.
    """

    status: str
    broadcasts: tuple[Id, ...] = ()
    when: Window | None = None
    templates: tuple[Id, ...] = ()
    sequences: tuple[Id, ...] = ()
    times: Times | None = None
    url: str | None = None

    @property
    def asks_events(self) -> bool:
        """Whether only the events themselves can tell, and not the ties and latest times that are kept."""
        if self.times is not None or self.url is not None or self.templates or self.sequences:
            return True
        if self.broadcasts:
            return self.when is not None
        return self.status in WITHOUT_TIME or (self.when is not None and not self.when.reaches_now)


class DidCondition(Struct, frozen=True, tag=True):
    """What events of a name come to. where: they pass all of these. when: they are in this window.

    times: how often; None with a measure. measure: sum, avg, min or max of a property, compared with values; first or
    last, whose time is in the window `during`.
    """

    event: str
    where: tuple[PropertyCondition, ...] = ()
    when: Window | None = None
    times: Times | None = (1, None)
    measure: str = ""
    of: PropertyCondition | None = None
    during: Window | None = None


class SequenceStep(Struct, frozen=True, tag=True):
    """One step of a sequence. is_absent: nothing of it happened."""

    part: DidCondition | MailCondition
    is_absent: bool = False


class SequenceCondition(Struct, frozen=True, tag=True):
    """Events happened one after another. within: a duration, from the first to the last."""

    steps: tuple[SequenceStep, ...]
    within: str | None = None


class SearchCondition(Struct, frozen=True, tag=True):
    """Every word is found in the name or email address, or is a word there but for typing errors."""

    words: str


class SampleCondition(Struct, frozen=True, tag=True):
    """A fixed pseudo-random part of all customers. percent: 0.01 to 100, as text. seed: another seed, another part.

    bucket: instead, the customers with this control bucket, 1 to 100.
    """

    percent: str = ""
    seed: str = ""
    bucket: int | None = None


class SavedCondition(Struct, frozen=True, tag=True):
    """In a saved audience. noun: audience or list, as the question calls it."""

    noun: str
    id: Id


class Members(Struct, frozen=True, tag=True):
    """The customers of a saved audience: what `expand` puts in the place of a SavedCondition; never written.

    part: the audience's question. asks_hidden: it mentions hidden customers, who are left out otherwise.
    """

    part: "Node"
    asks_hidden: bool


Condition = (
    FilterCondition
    | StateCondition
    | TieCondition
    | FieldCondition
    | AttributeCondition
    | MailCondition
    | DidCondition
    | SequenceCondition
    | SearchCondition
    | SampleCondition
    | SavedCondition
)
Node = Condition | All | Any | Not | Members

HIDDEN: Final = StateCondition("hidden")


def conditions(node: Node) -> Iterator[Condition]:
    """Every condition of the tree, left to right. That hidden customers are left out is one of Members."""
    match node:
        case All(parts) | Any(parts):
            for part in parts:
                yield from conditions(part)
        case Not(part):
            yield from conditions(part)
        case Members(part, asks_hidden):
            yield from conditions(part)
            if not asks_hidden:
                yield HIDDEN
        case _:
            yield node


def activity_conditions(nodes: Iterable[Node]) -> int:
    """How many conditions go through events: those of MOST_DID."""
    found = 0
    for node in nodes:
        for each in conditions(node):
            if isinstance(each, SequenceCondition):
                found += len(each.steps)
            elif isinstance(each, DidCondition) or (isinstance(each, MailCondition) and each.asks_events):
                found += 1
    return found


def too_many(did: int) -> str:
    """What is wrong with so many of them."""
    return f"A question has at most {MOST_DID} conditions that go through what customers did; this one has {did}."


def kind_of(node: Node) -> type[AnyValue]:
    """The class of a node, under which its row is found."""
    return type(node)
