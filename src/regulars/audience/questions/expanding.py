"""Expanding: puts the questions of saved audiences in the place of the conditions that name them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from regulars.audience.questions.faults import BadQuestionError, QuestionFault
from regulars.audience.questions.json_form import read_question, write_question
from regulars.audience.questions.selecting import mentions_hidden
from regulars.audience.questions.tree import (
    All,
    Any,
    Members,
    Node,
    Not,
    SavedCondition,
    TieCondition,
    activity_conditions,
    conditions,
)
from regulars.domain.audiences import StoredAudience
from regulars.domain.references import Reference

MOST_CONDITIONS: Final = 2_000
"""Conditions that a question may have with those of the audiences that it names."""

MOST_DID_EXPANDED: Final = 100
"""Of these, conditions on what customers did."""

Audiences = Mapping[Reference, StoredAudience]
"""Audiences by number and by key: those that questions name, and all that these refer to."""

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def references_of(nodes: Iterable[Node]) -> tuple[Reference, ...]:
    """The audiences that questions name, each once."""
    return tuple(
        dict.fromkeys(each.id for node in nodes for each in conditions(node) if isinstance(each, SavedCondition))
    )


def canonical(node: Node) -> str:
    """A question as it is stored."""
    return _encode(write_question(node)).decode()


@lru_cache(maxsize=1_024)
def stored_question(text: str) -> Node:
    """A question that was stored. Raises BadQuestionError for one that this program cannot read."""
    return read_question(msgspec.json.decode(text))


def expand(node: Node, audiences: Audiences, *, pointer: str = "/question") -> Node:
    """The question with the audiences in place. Raises BadQuestionError that points to each that cannot be used.

    pointer: where the question stands in the document.
    """
    expanding = _Expanding(audiences)
    found = expanding.node(node, pointer)
    if not expanding.faults and activity_conditions([found]) > MOST_DID_EXPANDED:
        detail = f"With its audiences, a question has at most {MOST_DID_EXPANDED} conditions on what customers did."
        expanding.faults.append(QuestionFault("question_too_large", detail, pointer))
    if expanding.faults:
        raise BadQuestionError(expanding.faults)
    return found


def expand_audience(stored: StoredAudience, audiences: Audiences) -> Node:
    """An audience as a question. Raises BadQuestionError if it names an audience that cannot be used."""
    return expand(SavedCondition("audience", stored.definition.audience), audiences, pointer="/question")


class _Expanding:
    """The faults of one question, and the audiences that are expanded already."""

    def __init__(self, audiences: Audiences) -> None:
        self.faults: list[QuestionFault] = []
        self._audiences = audiences
        self._expanded: dict[int, tuple[Node, int]] = {}
        self._path: list[tuple[str, str]] = []
        """The audiences that are being expanded, each with where it is named."""
        self._count = 0

    def node(self, node: Node, pointer: str) -> Node:
        match node:
            case All(parts) | Any(parts):
                name = "all" if isinstance(node, All) else "any"
                return type(node)(tuple(self.node(part, f"{pointer}/{name}/{at}") for at, part in enumerate(parts)))
            case Not(part):
                return Not(self.node(part, f"{pointer}/not"))
            case SavedCondition():
                return self._saved(node, pointer)
            case _:
                self._count += 1
                return node

    def _saved(self, condition: SavedCondition, pointer: str) -> Node:
        stored = self._audiences.get(condition.id)
        if stored is None:
            return self._refuse("unknown_audience", self._missing(condition), pointer)
        definition = stored.definition
        if definition.kind == "list":
            self._count += 1
            return TieCondition("list", "any_of", (definition.audience,))
        if condition.noun == "list":
            return self._refuse("invalid_value", f"The audience {condition.id} is not a list.", pointer)
        assert definition.question is not None
        known = self._expanded.get(definition.audience)
        if known is None:
            before = self._count
            try:
                question = stored_question(definition.question)
            except BadQuestionError as error:  # saved by a program that knew more
                detail = f"The question of the audience {stored.label} cannot be read: {error.faults[0].detail}"
                return self._refuse("unknown_audience", detail, pointer)
            self._path.append((stored.label, pointer))
            part = self.node(question, "")
            self._path.pop()
            known = Members(part, mentions_hidden(part)), self._count - before
            self._expanded[definition.audience] = known
        else:
            self._count += known[1]
        if self._count > MOST_CONDITIONS:
            detail = f"With the audiences that it names, a question has at most {MOST_CONDITIONS} conditions."
            return self._refuse("question_too_large", detail, pointer)
        return known[0]

    def _missing(self, condition: SavedCondition) -> str:
        where = f" The audience {self._path[-1][0]} refers to it." if self._path else ""
        return f"The {condition.noun} {condition.id} does not exist.{where}"

    def _refuse(self, code: str, detail: str, pointer: str) -> Node:
        pointer = self._path[0][1] if self._path else pointer
        if not any(fault.code == code and fault.pointer == pointer for fault in self.faults):
            self.faults.append(QuestionFault(code, detail, pointer))
        return Any()
