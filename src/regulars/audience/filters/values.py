"""Kinds of filter value: how each is parsed and validated."""

import re
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from regulars.domain.identity import parse_address, parse_uuid, readable_address, uuid_text
from regulars.domain.moments import parse_moment
from regulars.domain.references import LARGEST, number_of
from regulars.domain.text import composed, search_key, trim, whole_number

MOST_DAYS: Final = 36_500
MOST_MONEY: Final = 10**12
MOST_ID: Final = LARGEST
MOST_KEY: Final = 128
MOST_IDS: Final = 1_000
LONGEST_TEXT: Final = 1_024
MOST_WORDS: Final = 32

_MONEY: Final = re.compile(r"([+-]?)([0-9]{1,64})(?:\.([0-9]{1,2}))?", re.ASCII)
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


class BadFilterValueError(ValueError):
    """A filter was given an invalid value; the message says what is allowed."""


class ValueKind(Struct, frozen=True):
    """A kind of value. `read` parses the text of a value and raises BadFilterValueError.

    `allowed` describes in words what is accepted, `example` is one such value, and `schema` is its JSON Schema.
    """

    name: str
    allowed: str
    example: str
    read: Callable[[str], Any]
    schema: dict[str, Any]

    def refuse(self) -> BadFilterValueError:
        """The error that says what is allowed."""
        return BadFilterValueError(f"must be {self.allowed}")


def _days(raw: str) -> int:
    days = whole_number(raw, longest=5)
    if days is None or days > MOST_DAYS:
        raise DAYS.refuse()
    return days


def _flag(raw: str) -> bool:
    if raw.lower() not in _FLAGS:
        raise FLAG.refuse()
    return _FLAGS[raw.lower()]


def _ids(raw: str) -> tuple[int | str, ...]:
    parts = raw.split(",")
    if len(parts) > MOST_IDS:
        raise IDS.refuse()
    return tuple(dict.fromkeys(_id(composed(trim(part))) for part in parts))


def _id(part: str) -> int | str:
    number = number_of(part)
    if number is not None:
        return number
    if not 1 <= len(part) <= MOST_KEY or part == "0" or any(char < " " or char == "\x7f" for char in part):
        raise IDS.refuse()
    return part


def _site(raw: str) -> int:
    site = whole_number(raw, longest=16)
    if site is None:
        raise SITE.refuse()
    return site


def _text(raw: str) -> str:
    if not 1 <= len(raw) <= LONGEST_TEXT:
        raise TEXT.refuse()
    return raw


def _needle(raw: str) -> str:
    if not 1 <= len(raw) <= LONGEST_TEXT or not search_key(raw):
        raise NEEDLE.refuse()
    return raw


def _address(raw: str) -> str:
    """Reads a space as an unencoded +, since addresses contain no spaces."""
    try:
        return parse_address(trim(raw).replace(" ", "+"), longest=LONGEST_TEXT)[1]
    except ValueError:
        raise ADDRESS.refuse() from None


def _words(raw: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(search_key(readable_address(raw)).split()))
    if len(raw) > LONGEST_TEXT or not 1 <= len(words) <= MOST_WORDS:
        raise WORDS.refuse()
    return words


def _uuid(raw: str) -> str:
    try:
        return uuid_text(parse_uuid(raw))
    except ValueError:
        raise UUID.refuse() from None


def _moment(raw: str) -> int:
    """Reads a space as an unencoded +, as in a time with an offset."""
    try:
        return parse_moment(raw.strip().replace(" ", "+"))
    except ValueError:
        raise MOMENT.refuse() from None


def _money(raw: str) -> int:
    found = _MONEY.fullmatch(raw)
    if found is None:
        raise MONEY.refuse()
    sign, whole, fraction = found.groups(default="")
    cents = int(whole) * 100 + int(fraction.ljust(2, "0"))
    if cents > MOST_MONEY * 100:
        raise MONEY.refuse()
    return -cents if sign == "-" else cents


DAYS: Final = ValueKind(
    "days",
    f"a whole number of days from 0 to {MOST_DAYS}",
    "30",
    _days,
    {"type": "integer", "minimum": 0, "maximum": MOST_DAYS},
)
MOMENT: Final = ValueKind(
    "moment",
    "a date such as 2026-01-31 (its midnight in UTC), an ISO 8601 time such as 2026-01-31T12:00:00Z, or Unix seconds",
    "2026-01-31",
    _moment,
    {"type": "string", "minLength": 1},
)
FLAG: Final = ValueKind("flag", "true, 1, false or 0", "true", _flag, {"type": "string", "enum": list(_FLAGS)})
IDS: Final = ValueKind(
    "id",
    f"a number from 1 to {MOST_ID}, a key of 1 to {MOST_KEY} characters without control characters,"
    f" or a comma-separated list of at most {MOST_IDS} of them",
    "7,spring-sale",
    _ids,
    {"type": "string", "minLength": 1},
)
SITE: Final = ValueKind("site", "the number of one site", "1", _site, {"type": "integer", "minimum": 1})
"""A call concerns exactly one site: an index covers one site, and with several machines a site is on one of them."""

_SHORT: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
TEXT: Final = ValueKind("text", f"a text of 1 to {LONGEST_TEXT} characters", "smith", _text, _SHORT)
NEEDLE: Final = ValueKind(
    "text", f"a text of 1 to {LONGEST_TEXT} characters, at least one of them visible", "smith", _needle, _SHORT
)
ADDRESS: Final = ValueKind("address", "an email address", "anna@example.com", _address, _SHORT)
WORDS: Final = ValueKind(
    "text",
    f"a text of 1 to {MOST_WORDS} words with visible characters, at most {LONGEST_TEXT} characters long",
    "anna smith",
    _words,
    _SHORT,
)
UUID: Final = ValueKind(
    "uuid", "a UUID", "06743da2-9589-4c01-afda-e3d85e487fa7", _uuid, {"type": "string", "format": "uuid"}
)
MONEY: Final = ValueKind(
    "money",
    f"a decimal number with at most two places, from -{MOST_MONEY} to {MOST_MONEY}",
    "19.90",
    _money,
    {"type": "string", "pattern": r"^[+-]?[0-9]+(\.[0-9]{1,2})?$"},
)
