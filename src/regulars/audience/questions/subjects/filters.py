"""The subject `filter`: every named filter of the query string, with its value as it is written there."""

from typing import Any, Final

from regulars.audience.filters import catalogue
from regulars.audience.filters.catalogue import BY_NAME, Moment
from regulars.audience.filters.predicates import Predicate
from regulars.audience.filters.values import BadFilterValueError
from regulars.audience.questions.faults import BadValueError, unknown_name
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.tokens import TokenReader, quoted
from regulars.audience.questions.tree import FilterCondition
from regulars.audience.sentences import filter_phrase

LEAD: Final = "filter."
NAMES: Final = tuple(name for name, row in BY_NAME.items() if row.predicate is not None)


def _name(value: Any) -> str:
    if value not in NAMES:
        raise unknown_name("filter", str(value), NAMES)
    return str(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return value
    raise BadValueError("must be a text, a number, true or false")


def _checked(condition: FilterCondition) -> FilterCondition:
    """The condition, if the filter takes its value. Raises BadValueError."""
    try:
        catalogue.read(BY_NAME[condition.name], condition.value)
    except BadFilterValueError as error:
        raise BadValueError(f"The filter {error}.") from None
    return condition


def _read(reader: ObjectReader) -> FilterCondition:
    name = reader.get("filter", _name, "")
    if not reader.has("value"):
        reader.one_of(("value",))
    value = reader.get("value", _text, "")
    found = FilterCondition(name, value)
    if reader.is_sound:
        try:
            _checked(found)
        except BadValueError as error:
            reader.refuse("value", error)
    return found


def _parse(lead: str, tokens: TokenReader) -> FilterCondition:
    name = _name(lead.removeprefix(LEAD))
    tokens.expect(":", "=")
    return tokens.value(lambda text: _checked(FilterCondition(name, text)))


def _predicate(condition: FilterCondition, moment: Moment) -> Predicate:
    return catalogue.read(BY_NAME[condition.name], condition.value)(moment)


FILTER: Final = Subject(
    "filter",
    FilterCondition,
    ("value",),
    (LEAD,),
    "A filter of `GET /v1/customers`, with its value.",
    ({"filter": "has_tag_id", "value": "vip"}, "filter.has_tag_id = vip"),
    _read,
    lambda condition: {"filter": condition.name, "value": condition.value},
    _parse,
    lambda condition: f"{LEAD}{condition.name} = {quoted(condition.value)}",
    _predicate,
    lambda condition: filter_phrase(condition.name, condition.value),
)
