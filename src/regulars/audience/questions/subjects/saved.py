"""The subject `in`: saved audiences and lists."""

from typing import Any, Final

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.subjects.ties import ids_text, read_id
from regulars.audience.questions.tokens import TokenReader
from regulars.audience.questions.tree import SavedCondition
from regulars.domain.audiences import KIND

NOUNS: Final = {"audience": "the audience", "list": "the list"}
"""What `in` may name, and how sentences call it."""

_EXPECTED: Final = "must be audience/ or list/ and a number or key, such as audience/dormant"


def _saved(value: Any) -> SavedCondition:
    """From `{"audience": "dormant"}`. Raises BadValueError."""
    if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= NOUNS.keys():
        raise BadValueError('must be {"audience": "dormant"} or {"list": "beta"}, with a number or key')
    ((noun, reference),) = value.items()
    return SavedCondition(noun, read_id(reference, KIND))


def names_audience(text: str) -> bool:
    """Whether a word names an audience or a list, as `audience/dormant` does."""
    noun, slash, reference = text.partition("/")
    return bool(slash and reference) and noun.lower() in NOUNS


def _named(text: str) -> SavedCondition:
    if not names_audience(text):
        raise BadValueError(_EXPECTED)
    noun, _, reference = text.partition("/")
    return SavedCondition(noun.lower(), read_id(reference, KIND))


def _parse(lead: str, tokens: TokenReader) -> SavedCondition:
    return tokens.value(_named, "audience/ or list/ and a number or key")


def _predicate(condition: SavedCondition, _: Moment) -> Predicate:
    raise AssertionError("saved audiences must be expanded before a question is asked")


SAVED: Final = Subject(
    "in",
    SavedCondition,
    (),
    ("in",),
    "In a saved audience or a list, by number or key.",
    ({"in": {"audience": "dormant"}}, "in audience/dormant"),
    lambda reader: reader.get("in", _saved, SavedCondition("audience", 0)),
    lambda condition: {"in": {condition.noun: condition.id}},
    _parse,
    lambda condition: f"in {ids_text((condition.id,), f'{condition.noun}/')}",
    _predicate,
    lambda condition: f"are in {NOUNS[condition.noun]} “{condition.id}”",
)
