"""Attribute values: how JSON values of attributes are found by path, compared with numbers, texts and times.

A value compares by its JSON type. A number also equals a text that is wholly a decimal number without leading zeros;
texts compare by their search keys; times are ISO 8601 texts.
"""

import re
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec

from regulars.domain.moments import parse_moment
from regulars.domain.text import search_key

Path = tuple[str, ...]
"""The names that lead to a value, from the outside in."""

Scalar = str | int | float | bool

_encode: Final = msgspec.json.Encoder().encode
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,10})?", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def value_at(document: Any, path: Path) -> Any:
    """The value at the path; None if there is none."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def texts_at(documents: str, path: Path) -> list[bytes]:
    """The JSON text of the value at the path in each of an array of documents; b"null" where there is none."""
    return [_encode(value_at(document, path)) for document in msgspec.json.decode(documents)]


def number_of(value: Any) -> float | None:
    """The number that a value is, or that its text is wholly; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value)
    return None


@lru_cache(maxsize=65_536)
def moment_of(value: str) -> int | None:
    """The moment (ms) that a text is: an ISO 8601 date or time; None for any other text."""
    if not _TIME.match(value):
        return None
    try:
        return parse_moment(value)
    except ValueError:
        return None


class Comparison(msgspec.Struct, frozen=True, dict=True):
    """One comparison. operator: a row of `_TESTS`. values: JSON scalars, or moments (ms) of `when`.

    For "when", values are pairs of bounds (ms), None for no bound. For "count", (operator, number).
    """

    operator: str
    values: tuple[Any, ...] = ()

    def passes(self, value: Any) -> bool:
        """Whether a value of an attribute, which is not null, passes."""
        match self.operator:
            case "set":
                return True
            case "eq":
                return any(same(value, each) for each in self.values)
            case "contains":
                return isinstance(value, str) and self._keys[0] in search_key(value)
            case "starts":
                return isinstance(value, str) and search_key(value).startswith(self._keys[0])
            case "ends":
                return isinstance(value, str) and search_key(value).endswith(self._keys[0])
            case "range":
                return self._in_range(number_of(value))
            case "when":
                moment = moment_of(value) if isinstance(value, str) else None
                return moment is not None and any(
                    (low is None or low <= moment) and (high is None or moment <= high) for low, high in self.values
                )
            case "has_any":
                return isinstance(value, list) and any(same(item, each) for item in value for each in self.values)
            case "has_all":
                return isinstance(value, list) and all(any(same(item, each) for item in value) for each in self.values)
            case "count":
                return isinstance(value, list) and self._in_range(float(len(value)))
        raise ValueError(self.operator)

    @cached_property
    def _keys(self) -> list[str]:
        return [search_key(value) for value in self.values]

    def _in_range(self, number: float | None) -> bool:
        """Whether a number is in the range (low, high, low included, high included); None: no bound."""
        if number is None:
            return False
        low, high, with_low, with_high = self.values
        if low is not None and (number < low or (number == low and not with_low)):
            return False
        return not (high is not None and (number > high or (number == high and not with_high)))


def equality_of(value: Any) -> tuple[str, Scalar] | None:
    """What equal scalars have in common: two of them are the same exactly if this is equal. None for other values."""
    if isinstance(value, bool):
        return "boolean", value
    number = number_of(value)
    if number is not None:
        return "number", number
    return ("text", search_key(value)) if isinstance(value, str) else None


def plain(value: Scalar) -> Scalar:
    """The scalar, as a number if it equals one."""
    number = None if isinstance(value, bool | int | float) else number_of(value)
    return value if number is None else int(number) if number.is_integer() else number


def same(value: Any, asked: Scalar) -> bool:
    """Whether a value of an attribute equals one of a question."""
    if isinstance(asked, bool) or isinstance(value, bool):
        return value is asked
    if isinstance(asked, str):
        return isinstance(value, str) and search_key(value) == search_key(asked)
    return number_of(value) == float(asked)
