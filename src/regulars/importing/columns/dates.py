"""Dates in cells: one format for each column, found over all of its values, never for each row."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, Literal, get_args

Order = Literal["dmy", "mdy"]
"""The order of day and month where a year comes last."""

ORDERS: Final[tuple[Order, ...]] = get_args(Order)

_TIME: Final = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST: Final = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME)
_YEAR_LAST: Final = re.compile(r"(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})" + _TIME)
_COMPACT: Final = re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})")
_DAY_NAMED: Final = re.compile(r"(?P<day>\d{1,2})\.?[ -](?P<name>[^\W\d]{3,10})\.?[ -](?P<year>\d{4})" + _TIME)
_NAME_FIRST: Final = re.compile(r"(?P<name>[^\W\d]{3,10})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})" + _TIME)
_NUMBER: Final = re.compile(r"\d{4,13}(?:\.\d+)?", re.ASCII)
_NAMED: Final = (
    *(
        ("jan",),
        ("feb", "fév", "fev"),
        ("mar", "mär", "mrz", "maa"),
        ("apr", "avr", "abr"),
        ("may", "mai", "mei", "mag"),
    ),
    *(
        ("jun", "juin", "giu"),
        ("jul", "juil", "lug"),
        ("aug", "aoû", "aou", "ago"),
        ("sep", "set"),
        ("oct", "okt", "out", "ott"),
    ),
    *(("nov",), ("dec", "dez", "déc", "dic")),
)
_MONTHS: Final = {name: month for month, names in enumerate(_NAMED, 1) for name in names}

_SPREADSHEET_ZERO: Final = datetime(1899, 12, 30)
_SPREADSHEET_DAYS: Final = (10_000, 80_000)
_FIRST_SECOND: Final = 100_000_000
_FIRST_MILLISECOND: Final = 100_000_000_000
_PIVOT: Final = 70
_ENOUGH: Final = 2_000
_HEADER_ZONE: Final = re.compile(
    r"\((?:GMT|UTC)\s*(?:(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?)?\)", re.IGNORECASE
)


class UndecidedOrderError(Exception):
    """Day and month cannot be told apart. example: a value. why: what the other values of the column tell."""

    def __init__(self, example: str, why: str) -> None:
        super().__init__(example)
        self.example = example
        self.why = why


class DateFormat:
    """What is known of the dates of one column; `note` all values, then `read` them.

    order: the stated order of day and month, if there is one. zone: that of times that name none.
    """

    def __init__(self, order: Order | None = None, zone: tzinfo = UTC) -> None:
        self.order = order
        self.zone = zone
        self.is_stated = order is not None
        self.example: str | None = None
        self._seen: set[Order] = set()
        self._noted = 0

    @property
    def is_open(self) -> bool:
        """Whether more values can tell more: not once they have both orders, or many have the year first."""
        is_year_first = not self._seen and self.example is None and self._noted > _ENOUGH
        return not (self.is_stated or len(self._seen) > 1 or is_year_first)

    def note(self, values: Iterable[str]) -> None:
        """Learn the order of day and month from values."""
        if not self.is_open:
            return
        for value in values:
            self._noted += 1
            match = _YEAR_LAST.fullmatch(value)
            if match is None:
                continue
            one, two = int(match["one"]), int(match["two"])
            if one > 12 >= two or match["mark"] == ".":
                self._seen.add("dmy")
            elif two > 12 >= one:
                self._seen.add("mdy")
            elif self.example is None and one != two:
                self.example = value

    def decide(self) -> None:
        """Choose the order. Raises UndecidedOrderError if values can be read both ways and none tells which."""
        if self.is_stated:
            return
        if len(self._seen) == 1:
            (self.order,) = self._seen
        elif self.example is not None:
            told = "some values have the day first and some the month" if self._seen else "no value tells which"
            raise UndecidedOrderError(self.example, told)

    def read(self, value: str) -> str | None:
        """A date in ISO 8601 with its zone, None if it cannot be read."""
        return _read(value, self.order, self.zone)


@lru_cache(maxsize=16384)
def _read(value: str, order: Order | None, zone: tzinfo) -> str | None:
    try:
        found = _parsed(value, order, zone)
    except (ValueError, OverflowError):
        return None
    return None if found is None else found.isoformat()


def _parsed(value: str, order: Order | None, zone: tzinfo) -> datetime | None:
    if _NUMBER.fullmatch(value) and not _COMPACT.fullmatch(value):
        return _from_number(float(value), zone)
    if match := _YEAR_FIRST.fullmatch(value) or _COMPACT.fullmatch(value):
        return _when(match, int(match["year"]), int(match["month"]), int(match["day"]), zone)
    if match := _YEAR_LAST.fullmatch(value):
        one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
        if len(match["year"]) == 2:
            year += 1900 if year >= _PIVOT else 2000
        own: Order = "dmy" if one > 12 or match["mark"] == "." else "mdy" if two > 12 else order or "dmy"
        day, month = (one, two) if own == "dmy" else (two, one)
        if order is None and one <= 12 and two <= 12 and one != two and match["mark"] != ".":
            return None
        return _when(match, year, month, day, zone)
    if match := _DAY_NAMED.fullmatch(value) or _NAME_FIRST.fullmatch(value):
        month_named = _month(match["name"])
        return None if month_named is None else _when(match, int(match["year"]), month_named, int(match["day"]), zone)
    when = datetime.fromisoformat(value)
    return when if when.tzinfo else when.replace(tzinfo=zone)


def _from_number(number: float, zone: tzinfo) -> datetime | None:
    if _SPREADSHEET_DAYS[0] <= number < _SPREADSHEET_DAYS[1]:
        seconds = round((number % 1) * 86_400)
        return (_SPREADSHEET_ZERO + timedelta(days=int(number), seconds=seconds)).replace(tzinfo=zone)
    if number >= _FIRST_MILLISECOND:
        number /= 1000
    return datetime.fromtimestamp(number, UTC) if number >= _FIRST_SECOND else None


def _when(match: "re.Match[str]", year: int, month: int, day: int, zone: tzinfo) -> datetime:
    parts = match.groupdict()
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("an hour of a half day is 1 to 12")
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    when = datetime(year, month, day, hour, int(parts.get("minute") or 0), int(parts.get("second") or 0))
    return when.replace(tzinfo=_zone(parts.get("zone")) or zone)


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _month(name: str) -> int | None:
    name = name.casefold()
    return _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])


def zone_of_header(name: str) -> tzinfo | None:
    """The zone that the name of a column states, as in `Create Date (GMT+7)`."""
    match = _HEADER_ZONE.search(name)
    if match is None:
        return None
    if not match["sign"]:
        return UTC
    sign = -1 if match["sign"] == "-" else 1
    return timezone(sign * timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0)))
