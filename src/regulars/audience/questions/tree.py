"""The tree of a question: all, any and not over conditions. Both forms are read into it and written from it."""

from collections.abc import Iterator
from typing import Any as AnyValue
from typing import Final

from msgspec import Struct

from regulars.audience.questions.windows import Window
from regulars.audience.structures.attribute_values import Path, Scalar

MOST_DEPTH: Final = 16
MOST_LEAVES: Final = 200
MOST_IDS: Final = 1_000
MOST_BYTES: Final = 64 * 1024
MOST_TEXT: Final = 4_096

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
    """Tied to objects of a kind. quantifier: any_of, all_of or none_of the ids. passed: of assessments, the result."""

    kind: str
    quantifier: str
    ids: tuple[Id, ...]
    passed: bool | None = None


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


class MailCondition(Struct, frozen=True, tag=True):
    """An email reached a status. broadcasts: of any of these; empty: any email. when: not with broadcasts."""

    status: str
    broadcasts: tuple[Id, ...] = ()
    when: Window | None = None


class SearchCondition(Struct, frozen=True, tag=True):
    """Every word is found in the name or email address, or is similar to a word there."""

    words: str


class SampleCondition(Struct, frozen=True, tag=True):
    """A fixed pseudo-random part of all customers. percent: 0.01 to 100, as text. seed: another seed, another part."""

    percent: str
    seed: str = ""


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


def kind_of(node: Node) -> type[AnyValue]:
    """The class of a node, under which its row is found."""
    return type(node)
