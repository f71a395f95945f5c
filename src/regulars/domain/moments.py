"""Times as whole milliseconds since 1970-01-01 UTC, the only internal form."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

SECOND: Final = 1000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR


def now_ms() -> int:
    """The current time. Callers take it as a parameter, or take a clock, where tests must control it."""
    return time.time_ns() // 1_000_000


_FIRST: Final = -62135596800 * SECOND
_LAST: Final = 253402300799 * SECOND + 999
_UNIX: Final = re.compile(r"\d{1,20}(\.\d{0,20})?", re.ASCII)
_BASIC_DATE: Final = re.compile(r"\d{8}", re.ASCII)
_SPREADSHEET_DAYS: Final = (20_000, 80_000)
"""The numbers that spreadsheets use for the days from 1954 to 2119."""

_ALLOWED: Final = "must be a time as Unix seconds or ISO 8601, such as 2026-01-31T12:00:00Z"


def parse_moment(value: object) -> int:
    """Read Unix seconds (number or digits) or ISO 8601 (UTC where it has no offset).

    A text of eight digits is a date, 20111011, and never seconds: those would be a moment of before 1973.
    Numbers by which spreadsheets count days are no seconds: those would be of the first day of 1970. Raises ValueError
    with a sentence that says what is allowed.
    """
    if isinstance(value, str):
        text = value.strip()
        if not _UNIX.fullmatch(text) or _BASIC_DATE.fullmatch(text):
            return _from_iso(text)
        value = float(text) if "." in text else int(text)
    if isinstance(value, int | float) and _SPREADSHEET_DAYS[0] <= value < _SPREADSHEET_DAYS[1]:
        raise ValueError(f"{_ALLOWED}. This looks like a day number from a spreadsheet: format the column as a date")
    if isinstance(value, bool) or not isinstance(value, int | float) or not _FIRST <= value * SECOND <= _LAST:
        raise ValueError(_ALLOWED)
    return value * SECOND if isinstance(value, int) else round(value * SECOND)


def _from_iso(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_ALLOWED) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    try:
        elapsed = when - _EPOCH
    except OverflowError:
        raise ValueError(_ALLOWED) from None
    moment = elapsed.days * DAY + elapsed.seconds * SECOND + elapsed.microseconds // 1000
    if not _FIRST <= moment <= _LAST:
        raise ValueError(_ALLOWED)
    return moment


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: int) -> str:
    """ISO 8601 in UTC with milliseconds: 2024-10-03T04:57:24.000Z."""
    rest = moment % DAY
    return f"{_date(moment // DAY)}{_MINUTES[rest // 60_000]}{_SECONDS[rest // 1000 % 60]}{_MILLIS[rest % 1000]}"


# The parts of a day as text: a reply shows many moments, and a look-up costs less than a number's formatting.
_MINUTES: Final = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60))
_SECONDS: Final = tuple(f"{second:02d}." for second in range(60))
_MILLIS: Final = tuple(f"{milli:03d}Z" for milli in range(1000))


@lru_cache(maxsize=8192)
def _date(day: int) -> str:
    """The date of a day since 1970, cached: a reply has many times but few days."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def iso_or_none(moment: int | None) -> str | None:
    """`iso`, or None for an unset time."""
    return None if moment is None else iso(moment)
