"""The kinds of field: which operators a field has, and how its values are read, compared and worded."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from regulars.audience.filters import predicates as p
from regulars.audience.filters.catalogue import Moment
from regulars.audience.filters.predicates import (
    Contains,
    HasAddress,
    HasText,
    Identified,
    Matches,
    Not,
    Predicate,
    Range,
)
from regulars.audience.questions.faults import BadValueError
from regulars.audience.questions.windows import read_time, time_span
from regulars.domain.identity import parse_address, parse_uuid, readable_address, uuid_text
from regulars.domain.money import decimal_text, parse_cents
from regulars.domain.text import composed, search_key

LONGEST: Final = 1_024

Test = Callable[[str, Sequence[str], Moment], Predicate]
"""A predicate of a column, the values of an operator, and the moment."""


class FieldKind(Struct, frozen=True):
    """A kind of field. tests: the predicate of each operator. has_window: whether it also takes a window.

    read: the canonical text of a value; raises BadValueError. is_json_number: it is written as a number in JSON.
    present: the predicate of "is set".
    """

    name: str
    tests: dict[str, Test]
    read: Callable[[Any], str]
    present: Callable[[str], Predicate]
    has_window: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST or not search_key(value):
        raise BadValueError(f"must be a text of 1 to {LONGEST} characters, at least one of them visible")
    return value


def _address(value: Any) -> str:
    return readable_address(_text(value))


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST:
        raise BadValueError(f"must be a text of 1 to {LONGEST} characters")
    return composed(value)


def _uuid(value: Any) -> str:
    try:
        return uuid_text(parse_uuid(value))
    except ValueError:
        raise BadValueError("must be a UUID") from None


def _money(value: Any) -> str:
    try:
        return decimal_text(parse_cents(value))
    except ValueError as error:
        raise BadValueError(str(error)) from None


def _equal(column: str, value: str) -> Predicate:
    return Matches(column, "equals", value)


def _same_address(column: str, value: str) -> Predicate:
    try:
        return HasAddress(parse_address(value, longest=LONGEST)[1])
    except ValueError:  # it is no address, so nobody has it
        return p.Any()


def _identified(column: str, value: str) -> Predicate:
    return Identified(column, value)


def _any_equal(one: Callable[[str, str], Predicate]) -> dict[str, Test]:
    def every(column: str, values: Sequence[str], moment: Moment) -> Predicate:
        return p.Any(tuple(one(column, value) for value in values))

    return {
        "eq": lambda column, values, moment: one(column, values[0]),
        "ne": lambda column, values, moment: Not(one(column, values[0])),
        "one_of": every,
    }


def _texts(equal: Callable[[str, str], Predicate]) -> dict[str, Test]:
    return {
        **_any_equal(equal),
        "contains": lambda column, values, moment: Contains(column, values[0]),
        "starts": lambda column, values, moment: Matches(column, "starts", values[0]),
        "ends": lambda column, values, moment: Matches(column, "ends", values[0]),
    }


def _ranges(span: Callable[[str, Moment], tuple[int, int]]) -> dict[str, Test]:
    """Comparisons of a number: `span` gives the first and the last number that a value stands for."""

    def equal(column: str, values: Sequence[str], moment: Moment) -> Predicate:
        return Range(column, *span(values[0], moment))

    return {
        "eq": equal,
        "ne": lambda column, values, moment: Not(equal(column, values, moment)),
        "gt": lambda column, values, moment: Range(column, span(values[0], moment)[1] + 1, None),
        "gte": lambda column, values, moment: Range(column, span(values[0], moment)[0], None),
        "lt": lambda column, values, moment: Range(column, None, span(values[0], moment)[0] - 1),
        "lte": lambda column, values, moment: Range(column, None, span(values[0], moment)[1]),
        "between": lambda column, values, moment: Range(column, span(values[0], moment)[0], span(values[1], moment)[1]),
    }


def _cents(value: str, _: Moment) -> tuple[int, int]:
    cents = parse_cents(value)
    return cents, cents


TEXT: Final = FieldKind("text", _texts(_equal), _text, HasText)
ADDRESS: Final = FieldKind("address", _texts(_same_address), _address, HasText)
CUSTOMER_ID: Final = FieldKind("identifier", _any_equal(_identified), _identifier, lambda _: p.All())
UUID: Final = FieldKind("uuid", _any_equal(_identified), _uuid, lambda _: p.All())
MONEY: Final = FieldKind("money", _ranges(_cents), _money, Range)
TIME: Final = FieldKind(
    "time", _ranges(lambda value, moment: time_span(value, moment.time_zone)), read_time, Range, has_window=True
)
