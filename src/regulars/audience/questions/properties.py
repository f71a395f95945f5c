"""Properties of events in questions: how they are read, written and compared.

The amount of money of an event (`revenue` or `amount`) compares in cents. Any other property compares as attributes
do, by its JSON type; where an order is asked about, a decimal text in the question is the number that it says.
"""

import re
from typing import Any, Final

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import PropertyTest
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subjects import attributes
from regulars.audience.questions.subjects.attributes import path_text, read_path, scalar_text
from regulars.audience.questions.tokens import COMPARISONS, TokenReader, quoted
from regulars.audience.questions.tree import PropertyCondition
from regulars.audience.structures.attribute_values import Comparison, Path, Scalar
from regulars.audience.structures.event_facets import AMOUNT, Facet, of_property
from regulars.domain.events import EVENTS, SPELLINGS
from regulars.domain.money import ALLOWED, decimal_text, parse_cents

ORDERED: Final = ("eq", "gt", "gte", "lt", "lte", "between")
"""The comparisons of sums and the like."""

_OF_AMOUNT: Final = (*ORDERED, "ne", "set")
MOST_WHERE: Final = 10
"""Conditions on properties of one event."""

_NO_PATH: Final[Path] = ()
OPERATORS: Final = tuple(each for each in attributes.OPERATORS if each != "when")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
_PLAIN: Final = re.compile(r"[^\s\"(),:=<>!]+")
_SIGNS: Final = {operator: sign for sign, operator in COMPARISONS.items()}
_WORDS: Final = ("starts", "ends", "contains", "between", "has", "has_any", "has_all", "count", "set", "in")


def is_amount(event: str, path: Path) -> bool:
    """Whether a property is the money of an event."""
    kind = EVENTS.get(event)
    return kind is not None and kind.revenue != 0 and len(path) == 1 and path[0] in SPELLINGS["revenue"]


def facet_of(event: str, path: Path) -> Facet:
    """Where the property is kept."""
    return AMOUNT if is_amount(event, path) else of_property(path)


def read_where(reader: ObjectReader, event: str) -> tuple[PropertyCondition, ...]:
    """The conditions of the member `where`: one, or a list of them. Records every fault."""
    if not reader.has("where"):
        return ()
    given = reader.value("where")
    listed = given if isinstance(given, list) else [given]
    found = []
    for place, each in enumerate(listed):
        names = ("where", place) if isinstance(given, list) else ("where",)
        if not isinstance(each, dict) or "property" not in each:
            detail = 'A condition on a property is an object such as {"property": "revenue", "gte": "20"}.'
            reader.fault("invalid_question", detail, *names)
            continue
        inner = reader.inner(each, *names)
        inner.only("property", OPERATORS)
        condition = read_property(inner, event, OPERATORS)
        if condition is not None:
            found.append(condition)
    if len(listed) > MOST_WHERE:
        reader.fault("question_too_large", f"An event has at most {MOST_WHERE} conditions on properties.", "where")
    return tuple(found)


def read_property(reader: ObjectReader, event: str, operators: tuple[str, ...]) -> PropertyCondition | None:
    """A property with one of the operators. None if it is at fault."""
    path = reader.get("property", read_path, _NO_PATH)
    operator = reader.one_of(operators)
    if not path or operator is None:
        return None

    def read(value: Any) -> PropertyCondition:
        # Sums are of numbers only, so a text with a number cannot mean the text.
        value = _number(value) if operators is ORDERED and operator == "eq" and not is_amount(event, path) else value
        return PropertyCondition(path, operator, read_values(event, path, operator, value))

    return reader.get(operator, read, None)


def measured(event: str, condition: PropertyCondition) -> PropertyCondition:
    """A comparison of a sum or the like, which is of numbers. Raises BadValueError."""
    is_numeric = all(isinstance(each, int | float) and not isinstance(each, bool) for each in condition.values)
    if not is_numeric and not is_amount(event, condition.path):
        raise BadValueError("must be a number")
    return condition


def read_values(event: str, path: Path, operator: str, value: Any) -> tuple[Scalar, ...]:
    """The values of an operator. Raises BadValueError."""
    if operator == "set":
        if not isinstance(value, bool):
            raise BadValueError("must be true or false")
        return (value,)
    if is_amount(event, path):
        return _amounts(operator, value)
    if operator in ORDERED and operator != "eq":
        value = [_number(each) for each in value] if isinstance(value, list) else _number(value)
    return attributes.READERS[operator](value)


def _amounts(operator: str, value: Any) -> tuple[Scalar, ...]:
    if operator not in _OF_AMOUNT:
        raise BadValueError(
            f"cannot be used for an amount. Allowed: {', '.join(_OF_AMOUNT)}",
            code="unknown_operator",
            allowed=_OF_AMOUNT,
        )
    if operator == "between" and (not isinstance(value, list) or len(value) != 2):
        raise BadValueError("must be a list of two amounts, the smaller one first")
    try:
        return tuple(decimal_text(parse_cents(each)) for each in (value if operator == "between" else [value]))
    except ValueError:
        raise BadValueError(ALLOWED) from None


def _number(value: Any) -> Any:
    """A decimal text as the number that it says."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def write_property(condition: PropertyCondition) -> dict[str, Any]:
    """The JSON form."""
    shown: Any = condition.values[0]
    if condition.operator == "count":
        shown = {condition.values[0]: condition.values[1]}
    elif condition.operator in ("one_of", "between", "has_any", "has_all"):
        shown = [*condition.values]
    return {"property": path_text(condition.path), condition.operator: shown}


def parse_property(tokens: TokenReader, event: str) -> PropertyCondition:
    """A property with its comparison, as in `revenue >= 20`. Raises BadQuestionError."""
    path = tokens.value(read_path, "the name of a property")
    token = tokens.here
    sign = tokens.expect(":", *COMPARISONS, *_WORDS)
    operator = {":": "contains", "in": "one_of", **COMPARISONS}.get(sign, sign)
    return parse_comparison(tokens, event, path, operator, token)


def parse_comparison(tokens: TokenReader, event: str, path: Path, operator: str, token: Any) -> PropertyCondition:
    """The values after the operator. token: the operator, for faults."""
    given: Any
    match operator:
        case "set":
            given = tokens.value(lambda text: text.lower() == "true", "true", "false")
        case "one_of" | "has_any" | "has_all":
            given = attributes.parse_values(tokens)
        case "between":
            low = _typed(tokens, event, path)
            tokens.expect("and")
            given = [low, _typed(tokens, event, path)]
        case "count":
            comparison = COMPARISONS[tokens.expect(*COMPARISONS)]
            given = {comparison: attributes.parse_value(tokens)}
        case "contains" | "starts" | "ends":
            given = tokens.value(str)
        case _:
            given = _typed(tokens, event, path)
    try:
        return PropertyCondition(path, operator, read_values(event, path, operator, given))
    except BadValueError as error:
        tokens.refuse(token, error)


def _typed(tokens: TokenReader, event: str, path: Path) -> Scalar:
    return tokens.value(str) if is_amount(event, path) else attributes.parse_value(tokens)


def named(path: Path) -> str:
    """The property as the text form has it."""
    text = path_text(path)
    return text if _PLAIN.fullmatch(text) else quoted(text)


def values_text(event: str, condition: PropertyCondition) -> list[str]:
    """The values as the text form has them."""
    if is_amount(event, condition.path) and condition.operator != "set":
        return [str(value) for value in condition.values]
    return [scalar_text(value) for value in condition.values]


def print_comparison(event: str, condition: PropertyCondition) -> str:
    """The operator with its values."""
    operator = condition.operator
    if operator == "count":
        return f"count {_SIGNS[str(condition.values[0])]} {condition.values[1]}"
    values = values_text(event, condition)
    match operator:
        case "one_of" | "has_any" | "has_all":
            return f"{'in' if operator == 'one_of' else operator} ({', '.join(values)})"
        case "between":
            return f"between {values[0]} and {values[1]}"
        case "contains" | "starts" | "ends" | "has" | "set":
            return f"{operator} {values[0]}"
        case _:
            return f"{_SIGNS[operator]} {values[0]}"


def print_property(event: str, condition: PropertyCondition) -> str:
    """The text form."""
    return f"{named(condition.path)} {print_comparison(event, condition)}"


def property_phrase(condition: PropertyCondition) -> str:
    """The condition in words; completes "an event with ...", "a sum of ..."."""
    return f"{path_text(condition.path)} {comparison_phrase(condition)}"


def comparison_phrase(condition: PropertyCondition) -> str:
    """The comparison in words."""
    if condition.operator == "set":
        return "that is set" if condition.values[0] else "that is not set"
    if condition.operator == "count":
        return f"with a length of {_SIGNS[str(condition.values[0])]} {condition.values[1]}"
    values = [f"“{each}”" if isinstance(each, str) else scalar_text(each) for each in condition.values]
    return _SAYS[condition.operator].format(*values, list=", ".join(values))


_SAYS: Final = {
    "eq": "of {0}",
    "ne": "other than {0}",
    "one_of": "of one of {list}",
    "contains": "that contains {0}",
    "starts": "that starts with {0}",
    "ends": "that ends with {0}",
    "gt": "above {0}",
    "gte": "of {0} or above",
    "lt": "below {0}",
    "lte": "of {0} or below",
    "between": "from {0} to {1}",
    "has": "that has {0}",
    "has_any": "that has any of {list}",
    "has_all": "that has all of {list}",
}


def test_of(event: str, condition: PropertyCondition, moment: Moment) -> PropertyTest:
    """The condition as a test of an event."""
    facet, operator, values = facet_of(event, condition.path), condition.operator, condition.values
    if operator == "set":
        if facet == AMOUNT:
            return PropertyTest(facet, Comparison("range", (None, None, True, True)), not values[0])
        return PropertyTest(facet, Comparison("set"), not values[0])
    if facet == AMOUNT:
        low, high, *included = bounds_of(condition, money=True)
        return PropertyTest(facet, Comparison("range", (low, high, *included)), operator == "ne")
    comparison, negated = attributes.comparison_of(operator, values, moment)
    return PropertyTest(facet, comparison, negated)


def bounds_of(condition: PropertyCondition, *, money: bool) -> tuple[float | None, float | None, bool, bool]:
    """The range of a comparison: (low, high, low included, high included). money: in cents."""
    numbers = [parse_cents(each) if money else float(each) for each in condition.values]
    if condition.operator in ("eq", "ne"):
        return numbers[0], numbers[0], True, True
    return attributes.bounds(condition.operator, numbers[0], numbers[-1])
