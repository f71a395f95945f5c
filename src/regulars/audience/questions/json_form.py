"""The JSON form: a question as nested objects, each with one subject."""

from typing import Any as AnyValue
from typing import Final

from regulars.audience.questions.catalogue import BY_NAME, BY_NODE
from regulars.audience.questions.faults import BadQuestionError, QuestionFault, nearest
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.tree import (
    MOST_DEPTH,
    MOST_DID,
    MOST_LEAVES,
    All,
    Any,
    Node,
    Not,
    activity_conditions,
    too_many,
)

GROUPS: Final = ("all", "any", "not")
ALLOWED: Final = (*GROUPS, *BY_NAME)


def read_question(value: AnyValue, *, pointer: str = "/question") -> Node:
    """Read decoded JSON. pointer: where it stands in the document. Raises BadQuestionError with every fault."""
    reading = _Validator()
    node = reading.node(value, pointer, 1)
    if reading.leaves > MOST_LEAVES:
        detail = f"A question has at most {MOST_LEAVES} conditions; this one has {reading.leaves}."
        reading.faults.append(QuestionFault("question_too_large", detail, pointer))
    if (did := activity_conditions([node])) > MOST_DID:
        reading.faults.append(QuestionFault("question_too_large", too_many(did), pointer))
    if reading.faults:
        raise BadQuestionError(reading.faults)
    return node


def write_question(node: Node) -> dict[str, AnyValue]:
    """The canonical JSON form."""
    match node:
        case All(parts):
            return {"all": [write_question(part) for part in parts]}
        case Any(parts):
            return {"any": [write_question(part) for part in parts]}
        case Not(part):
            return {"not": write_question(part)}
        case _:
            return BY_NODE[type(node)].write(node)


def _subjects(value: dict[str, AnyValue]) -> list[str]:
    """The members that are subjects. One whose operators are all the others is the only one: attribute has `has`."""
    found = [name for name in value if name in ALLOWED]
    for name in found:
        if name in BY_NAME and set(found) - {name} <= set(BY_NAME[name].operators):
            return [name]
    return found


_UNREADABLE: Final = All()


class _Validator:
    """The faults and the number of conditions of one question."""

    def __init__(self) -> None:
        self.faults: list[QuestionFault] = []
        self.leaves = 0

    def node(self, value: AnyValue, pointer: str, depth: int) -> Node:
        if depth > MOST_DEPTH:
            self._refuse("question_too_large", f"A question is at most {MOST_DEPTH} levels deep.", pointer)
            return _UNREADABLE
        if not isinstance(value, dict):
            self._refuse("invalid_question", "A condition must be an object with one subject.", pointer)
            return _UNREADABLE
        found = _subjects(value)
        if len(found) != 1:
            self._unclear(list(value), found, pointer)
            return _UNREADABLE
        (name,) = found
        reader = ObjectReader(value, pointer, self.faults)
        if name not in GROUPS:
            self.leaves += 1
            row = BY_NAME[name]
            reader.only(name, row.operators)
            node: Node = row.read(reader)
            return node
        reader.only(name, ())
        below = f"{pointer}/{name}"
        if name == "not":
            return Not(self.node(value[name], below, depth + 1))
        parts = value[name]
        if not isinstance(parts, list):
            self._refuse("invalid_question", f"{name} must be a list of conditions.", below)
            return _UNREADABLE
        if len(parts) > MOST_LEAVES:
            self._refuse("question_too_large", f"A question has at most {MOST_LEAVES} conditions.", below)
            return _UNREADABLE
        read = tuple(self.node(part, f"{below}/{at}", depth + 1) for at, part in enumerate(parts))
        return All(read) if name == "all" else Any(read)

    def _unclear(self, given: list[str], found: list[str], pointer: str) -> None:
        if found:
            detail = f"A condition has one subject, but this one has {len(found)}: {', '.join(found)}."
            self._refuse("invalid_question", detail, pointer)
            return
        shown = ", ".join(ALLOWED)
        near = next((near for name in given if (near := nearest(name, ALLOWED))), None)
        detail = f"There is no subject {given[0]!r}. " if given else "A condition must have a subject. "
        place = f"{pointer}/{given[0]}" if given else pointer
        self.faults.append(
            QuestionFault("unknown_subject", f"{detail}Allowed: {shown}.", place, allowed=ALLOWED, did_you_mean=near)
        )

    def _refuse(self, code: str, detail: str, pointer: str) -> None:
        self.faults.append(QuestionFault(code, detail, pointer))
