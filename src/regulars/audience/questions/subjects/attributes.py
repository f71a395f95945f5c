"""The subject `attribute`: any attribute of customers, compared by the JSON type of the value in the question."""

import re
from collections.abc import Callable
from typing import Any, Final

from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import Attribute, Not, Predicate
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.json_reader import ObjectReader
from regulars.audience.questions.subject import Subject
from regulars.audience.questions.tokens import COMPARISONS, TokenReader, quoted
from regulars.audience.questions.tree import MOST_IDS, AttributeCondition, Node
from regulars.audience.questions.tree import Not as NotNode
from regulars.audience.questions.window_text import parse_window, starts_window
from regulars.audience.questions.windows import (
    Bounds,
    read_time,
    read_window,
    time_span,
    window_phrase,
    window_text,
    write_window,
)
from regulars.audience.structures.attribute_values import Comparison, Path, Scalar

LEAD: Final = "attr."
LONGEST: Final = 1_024
MOST_NAMES: Final = 16

_ORDER: Final = ("gt", "gte", "lt", "lte")
OPERATORS: Final = (
    *("eq", "ne", "one_of", "contains", "starts", "ends", *_ORDER, "between", "when", "set"),
    *("has", "has_any", "has_all", "count"),
)
_WORDS: Final = ("in", "starts", "ends", "contains", "between", "has", "has_any", "has_all", "count")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
_PLAIN_PATH: Final = re.compile(r"[^\s\"(),:=<>!]+")
_DOTS: Final = re.compile(r"((?:\\.|[^.\\])*)(?:\.|\Z)", re.DOTALL)


def read_path(value: Any) -> Path:
    r"""The names of a path such as address.city; `\.` is a dot within a name. Raises BadValueError."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST:
        raise BadValueError(f"must be the name of an attribute, of 1 to {LONGEST} characters")
    names, at = [], 0
    while at <= len(value):
        found = _DOTS.match(value, at)
        if found is None:
            raise BadValueError(r"must not end with a backslash; write \\ for one")
        names.append(re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL))
        at = found.end() + (0 if value[found.end() - 1 : found.end()] == "." and found.end() > found.end(1) else 1)
    if not all(names) or len(names) > MOST_NAMES:
        raise BadValueError(f"must be 1 to {MOST_NAMES} names with dots between them")
    return tuple(names)


def path_text(path: Path) -> str:
    """The path as text."""
    return ".".join(re.sub(r"([.\\])", r"\\\1", name) for name in path)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= LONGEST):
        return value
    raise BadValueError(f"must be a text of at most {LONGEST} characters, a number, true or false")


def _words(value: Any) -> Scalar:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST:
        raise BadValueError(f"must be a text of 1 to {LONGEST} characters")
    return value


def _ordered(value: Any) -> Scalar:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return read_time(value)
    except BadValueError:
        raise BadValueError("must be a number, a date or a time") from None


def _list(value: Any) -> tuple[Scalar, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_IDS:
        raise BadValueError(f"must be a list of 1 to {MOST_IDS} values")
    return tuple(map(_scalar, value))


def _between(value: Any) -> tuple[Scalar, ...]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadValueError("must be a list of two values, the smaller one first")
    low, high = map(_ordered, value)
    if isinstance(low, str) != isinstance(high, str):
        raise BadValueError("must be two numbers or two times")
    return low, high


def _count(value: Any) -> tuple[Scalar, ...]:
    if isinstance(value, dict) and len(value) == 1:
        ((comparison, number),) = value.items()
        if comparison in COMPARISONS.values() and isinstance(number, int) and not isinstance(number, bool):
            return comparison, number
    raise BadValueError('must be one comparison with a whole number, such as {"gte": 2}')


READERS: Final[dict[str, Callable[[Any], tuple[Scalar, ...]]]] = {
    **dict.fromkeys(("eq", "ne", "has"), lambda value: (_scalar(value),)),
    **dict.fromkeys(("one_of", "has_any", "has_all"), _list),
    **dict.fromkeys(("contains", "starts", "ends"), lambda value: (_words(value),)),
    **dict.fromkeys(_ORDER, lambda value: (_ordered(value),)),
    "between": _between,
    "count": _count,
}
"""The readers of the values of operators."""

_NO_PATH: Final[Path] = ()


def _read(reader: ObjectReader) -> Node:
    path = reader.get("attribute", read_path, _NO_PATH)
    operator = reader.one_of(OPERATORS)
    if operator == "when":
        return AttributeCondition(path, "when", when=reader.get("when", read_window, None))
    if operator == "set":
        found = AttributeCondition(path, "set")
        return found if reader.get("set", _flag, True) else NotNode(found)
    if operator is None:
        return AttributeCondition(path, "set")
    return AttributeCondition(path, operator, reader.get(operator, READERS[operator], ()))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValueError("must be true or false")
    return value


def _write(condition: AttributeCondition) -> dict[str, Any]:
    shown: dict[str, Any] = {"attribute": path_text(condition.path)}
    match condition.operator:
        case "set":
            shown["set"] = True
        case "when":
            assert condition.when is not None
            shown["when"] = write_window(condition.when)
        case "count":
            shown["count"] = {condition.values[0]: condition.values[1]}
        case "one_of" | "between" | "has_any" | "has_all":
            shown[condition.operator] = [*condition.values]
        case operator:
            shown[operator] = condition.values[0]
    return shown


def typed(text: str) -> Scalar:
    """A bare word as a value: a number, true, false, or text."""
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def parse_value(tokens: TokenReader) -> Scalar:
    """A value: what is in quotes is a text, a bare word a number, true, false or a text."""
    is_quoted = tokens.here.kind == "string"
    return tokens.value(lambda text: _scalar(text if is_quoted else typed(text)))


def parse_values(tokens: TokenReader) -> list[Scalar]:
    """A value, or several in brackets."""
    if tokens.accept("(") is None:
        return [parse_value(tokens)]
    found = [parse_value(tokens)]
    while tokens.expect(",", ")") == ",":
        found.append(parse_value(tokens))
    return found


def parse_path(lead: str, tokens: TokenReader) -> Path:
    """The path after `attr.`, which may be quoted."""
    rest = lead[len(LEAD) :]
    return read_path(rest) if rest else tokens.value(read_path, "the name of an attribute")


def _parse(lead: str, tokens: TokenReader) -> AttributeCondition:
    path = parse_path(lead, tokens)
    if starts_window(tokens):
        return AttributeCondition(path, "when", when=parse_window(tokens))
    token = tokens.here
    sign = tokens.expect(":", *COMPARISONS, *_WORDS)
    operator = {":": "contains", "in": "one_of", **COMPARISONS}.get(sign, sign)
    given: Any
    match operator:
        case "one_of" | "has_any" | "has_all":
            given = parse_values(tokens)
        case "between":
            low = parse_value(tokens)
            tokens.expect("and")
            given = [low, parse_value(tokens)]
        case "count":
            comparison = COMPARISONS[tokens.expect(*COMPARISONS)]
            given = {comparison: parse_value(tokens)}
        case "contains" | "starts" | "ends":
            given = tokens.value(str)
        case _:
            given = parse_value(tokens)
    try:
        return AttributeCondition(path, operator, READERS[operator](given))
    except BadValueError as error:
        tokens.refuse(token, error)


def scalar_text(value: Scalar) -> str:
    """A value as the text form has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else repr(value)


def named(path: Path) -> str:
    """The attribute as the text form has it."""
    text = path_text(path)
    return f"{LEAD}{text}" if _PLAIN_PATH.fullmatch(text) else f"{LEAD}{quoted(text)}"


def _print(condition: AttributeCondition) -> str:
    name = named(condition.path)
    if condition.operator == "set":
        return f"has {name}"
    if condition.operator == "when":
        assert condition.when is not None
        return f"{name} {window_text(condition.when)}"
    if condition.operator == "count":
        return f"{name} count {_SIGNS[str(condition.values[0])]} {condition.values[1]}"
    values = [scalar_text(value) for value in condition.values]
    match condition.operator:
        case "one_of" | "has_any" | "has_all":
            return f"{name} {'in' if condition.operator == 'one_of' else condition.operator} ({', '.join(values)})"
        case "between":
            return f"{name} between {values[0]} and {values[1]}"
        case "contains":
            return f"{name}:{values[0]}"
        case "starts" | "ends" | "has":
            return f"{name} {condition.operator} {values[0]}"
        case operator:
            return f"{name} {_SIGNS[operator]} {values[0]}"


_SIGNS: Final = {operator: sign for sign, operator in COMPARISONS.items()}


def _predicate(condition: AttributeCondition, moment: Moment) -> Predicate:
    path, operator, values = condition.path, condition.operator, condition.values
    if operator == "when":
        assert condition.when is not None
        spans: list[Bounds] = condition.when.bounds(moment.now, moment.time_zone)
        return Attribute(path, Comparison("when", tuple(spans)))
    comparison, negated = comparison_of(operator, values, moment)
    found = Attribute(path, comparison)
    return Not(found) if negated else found


def comparison_of(operator: str, values: tuple[Scalar, ...], moment: Moment) -> tuple[Comparison, bool]:
    """The comparison of an operator, and whether it is meant the other way round. Not of `when`."""
    match operator:
        case "eq" | "ne" | "one_of":
            return Comparison("eq", values), operator == "ne"
        case "has":
            return Comparison("has_any", values), False
        case "count":
            return _counted(str(values[0]), values[1])
        case "between" | "gt" | "gte" | "lt" | "lte":
            return _range(operator, values, moment), False
        case _:
            return Comparison(operator, values), False


def _counted(comparison: str, number: Scalar) -> tuple[Comparison, bool]:
    if comparison in ("eq", "ne"):
        return Comparison("count", (number, number, True, True)), comparison == "ne"
    return Comparison("count", bounds(comparison, number, number)), False


def bounds(operator: str, first: Any, last: Any) -> tuple[Any, Any, bool, bool]:
    """(low, high, low included, high included) of a comparison with what lies from `first` to `last`."""
    found: tuple[Any, Any, bool, bool] = {
        "gt": (last, None, False, False),
        "gte": (first, None, True, False),
        "lt": (None, first, False, False),
        "lte": (None, last, False, True),
        "between": (first, last, True, True),
    }[operator]
    return found


def _range(operator: str, values: tuple[Scalar, ...], moment: Moment) -> Comparison:
    low, high = values[0], values[-1]
    if not isinstance(low, str) or not isinstance(high, str):
        return Comparison("range", bounds(operator, low, high))
    first, last = time_span(low, moment.time_zone)[0], time_span(high, moment.time_zone)[1]
    start, end, with_start, with_end = bounds(operator, first, last)
    if start is not None and not with_start:
        start += 1
    if end is not None and not with_end:
        end -= 1
    return Comparison("when", ((start, end),))


_SAYS: Final = {
    "eq": "have {0} as {name}",
    "ne": "do not have {0} as {name}",
    "one_of": "have one of {list} as {name}",
    "contains": "have {0} in {name}",
    "starts": "have {name} that starts with {0}",
    "ends": "have {name} that ends with {0}",
    "gt": "have {name} above {0}",
    "gte": "have {name} of {0} or above",
    "lt": "have {name} below {0}",
    "lte": "have {name} of {0} or below",
    "between": "have {name} from {0} to {1}",
    "set": "have {name}",
    "has": "have {0} among {name}",
    "has_any": "have any of {list} among {name}",
    "has_all": "have all of {list} among {name}",
    "when": "have {name} {when}",
    "count": "have {name} with a length of {sign} {1}",
}


def _phrase(condition: AttributeCondition) -> str:
    values = [f"“{value}”" if isinstance(value, str) else scalar_text(value) for value in condition.values]
    when = "" if condition.when is None else window_phrase(condition.when)
    sign = _SIGNS[str(condition.values[0])] if condition.operator == "count" else ""
    name = f"the attribute {path_text(condition.path)}"
    return _SAYS[condition.operator].format(*values, name=name, list=", ".join(values), when=when, sign=sign)


ATTRIBUTE: Final = Subject(
    "attribute",
    AttributeCondition,
    OPERATORS,
    (LEAD,),
    "Any attribute, by name or path; it compares by the JSON type of the value.",
    ({"attribute": "plan", "ne": "trial"}, 'attr.plan != "trial"'),
    _read,
    _write,
    _parse,
    _print,
    _predicate,
    _phrase,
)
