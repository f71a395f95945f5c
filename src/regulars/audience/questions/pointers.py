"""Pointers: where the conditions of a question stand in its JSON form."""

from collections.abc import Iterator

from regulars.audience.filters.predicates import Followed
from regulars.audience.questions.faults import QuestionFault
from regulars.audience.questions.subjects.sequences import is_about
from regulars.audience.questions.tree import All, Any, Condition, Members, Node, Not, SavedCondition, SequenceCondition


def placed_conditions(node: Node, pointer: str) -> Iterator[tuple[str, Condition]]:
    """Every condition with its pointer, left to right."""
    match node:
        case All(parts) | Any(parts):
            name = "all" if isinstance(node, All) else "any"
            for at, part in enumerate(parts):
                yield from placed_conditions(part, f"{pointer}/{name}/{at}")
        case Not(part):
            yield from placed_conditions(part, f"{pointer}/not")
        case Members(part):
            yield from placed_conditions(part, pointer)
        case _:
            yield pointer, node


def too_expensive(leaf: Followed, node: Node, pointer: str) -> QuestionFault:
    """The fault of a question whose sequence goes through too many events; it points to the sequence.

    node: the question as it was asked. A sequence of a saved audience is where the question names the audience.
    """
    placed = list(placed_conditions(node, pointer))
    mine = [at for at, each in placed if isinstance(each, SequenceCondition) and is_about(each, leaf)]
    mine += [at for at, each in placed if isinstance(each, SavedCondition)]
    detail = (
        "This sequence goes through too many events to answer in time. Narrow it: add a time to its steps with `when`, "
        "or other conditions that leave fewer customers."
    )
    return QuestionFault("too_expensive", detail, mine[0] if mine else pointer)
