"""What a question selects: its tree as a predicate at a moment, and as a sentence."""

from typing import Final

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment, audience_of
from regulars.audience.filters.predicates import Predicate
from regulars.audience.questions.catalogue import BY_NODE
from regulars.audience.questions.tree import All, Any, FilterCondition, Members, Node, Not, StateCondition


def predicate_of(node: Node, moment: Moment) -> Predicate:
    """The predicate of a tree."""
    match node:
        case All(parts):
            return p.All(tuple(predicate_of(part, moment) for part in parts))
        case Any(parts):
            return p.Any(tuple(predicate_of(part, moment) for part in parts))
        case Not(part):
            return p.Not(predicate_of(part, moment))
        case Members(part, asks_hidden):
            return audience_of([predicate_of(part, moment)], hidden_asked=asks_hidden)
        case _:
            return BY_NODE[type(node)].predicate(node, moment)


def customers_of(node: Node, moment: Moment) -> Predicate:
    """The predicate of a question. Hidden customers are left out unless the question mentions them."""
    return audience_of([predicate_of(node, moment)], hidden_asked=mentions_hidden(node))


def mentions_hidden(node: Node) -> bool:
    """Whether some condition is about being hidden, also one of a saved audience."""
    match node:
        case All(parts) | Any(parts):
            return any(map(mentions_hidden, parts))
        case Not(part):
            return mentions_hidden(part)
        case Members(_, asks_hidden):
            return asks_hidden
        case StateCondition(state):
            return state == "hidden"
        case FilterCondition(name):
            return name == "is_hidden"
        case _:
            return False


def shape_of(node: Node) -> str:
    """The question without any name or value, for logs: all(is, not(has))."""
    match node:
        case All(parts) | Any(parts):
            word = "all" if isinstance(node, All) else "any"
            return f"{word}({', '.join(map(shape_of, parts))})"
        case Not(part):
            return f"not({shape_of(part)})"
        case Members(part):
            return f"in({shape_of(part)})"
        case _:
            return BY_NODE[type(node)].name


_EVERYBODY: Final = "are customers"
_NOBODY: Final = "are nobody"


def phrase_of(node: Node) -> str:
    """The question in words; completes "customers who ...". Groups of another kind stand in brackets."""
    match node:
        case All(()):
            return _EVERYBODY
        case Any(()):
            return _NOBODY
        case All((part,)) | Any((part,)):
            return phrase_of(part)
        case All(parts):
            return " and ".join(map(_grouped, parts))
        case Any(parts):
            return " or ".join(map(_grouped, parts))
        case Not(part):
            return f"are not among those who {_grouped(part)}"
        case Members(part):
            return _grouped(part)
        case _:
            return BY_NODE[type(node)].phrase(node)


def _grouped(node: Node) -> str:
    is_group = isinstance(node, All | Any) and len(node.parts) > 1
    return f"({phrase_of(node)})" if is_group else phrase_of(node)
