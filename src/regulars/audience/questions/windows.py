"""Windows: periods of time in questions, such as "the last 30 days" or "this month".

A rolling window is a number of 24-hour periods before or after now and needs no time zone. A calendar window, and a
date without a time, begins at a local midnight; a midnight that does not exist is the first instant after it.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from msgspec import Struct

from regulars.audience.questions.faults import BadValueError
from regulars.domain.moments import DAY, iso, parse_moment

HOUR: Final = DAY // 24
UNITS: Final = {"h": HOUR, "d": DAY, "w": 7 * DAY}
"""The units of a duration, in milliseconds."""

PERIODS: Final = ("day", "week", "month", "quarter", "year")
"""The calendar periods; weeks start on Monday (ISO 8601)."""

_DURATION: Final = re.compile(r"([0-9]{1,6})([hdw])", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOST: Final = 36_500 * DAY
_YEARS: Final = range(1900, 2101)

Bounds = tuple[int | None, int | None]
"""Milliseconds, both inclusive; None: no bound."""


class Window(Struct, frozen=True):
    """A period of time. `form` is a row of FORMS, `values` its parts as they are written; None: an open end."""

    form: str
    values: tuple[str | None, ...]

    def bounds(self, now: int, zone: tzinfo) -> list[Bounds]:
        """The periods that the window consists of at the moment `now` (ms UTC), usually one."""
        return FORMS[self.form].bounds(self.values, now, zone)

    @property
    def reaches_now(self) -> bool:
        """Whether the window extends up to now, so that "the latest time is in it" means "any time is in it"."""
        return self.form in ("last", "this") or (self.form in ("from", "ago") and self.values[1] is None)


class Form(Struct, frozen=True):
    """A way to write a window. `members`: the keys of its JSON form. `text`: its text form; {} are its values.

    read: the values from the JSON members. phrase: completes "... " in a sentence.
    """

    members: tuple[str, ...]
    read: Callable[[dict[str, Any]], tuple[str | None, ...]]
    bounds: Callable[[tuple[str | None, ...], int, tzinfo], list[Bounds]]
    text: Callable[[tuple[str | None, ...]], str]
    phrase: Callable[[tuple[str | None, ...]], str]
    write: Callable[[tuple[str | None, ...]], dict[str, Any]]


def read_window(value: Any) -> Window:
    """Read the JSON form. Raises BadValueError."""
    if isinstance(value, dict):
        for name, form in FORMS.items():
            if value and name in value and value.keys() <= set(form.members):
                return Window(name, form.read(value))
        if value.keys() <= {"from", "to"} and "to" in value:
            return Window("from", FORMS["from"].read(value))
    raise BadValueError(
        'must be one of {"last": "30d"}, {"ago": ["60d", "30d"]}, {"next": "14d"}, {"from": "2026-01-01", "to": '
        '"2026-02-01"}, {"this": "month"}, {"previous": "week"} and {"anniversary": {"next": "7d"}}'
    )


def write_window(window: Window) -> dict[str, Any]:
    """The JSON form."""
    return FORMS[window.form].write(window.values)


def window_text(window: Window) -> str:
    """The text form, such as "in last 30d"."""
    return FORMS[window.form].text(window.values)


def window_phrase(window: Window) -> str:
    """The window in words, such as "within the last 30 days"."""
    return FORMS[window.form].phrase(window.values)


def read_duration(value: Any) -> str:
    """A duration such as 30d, 12h or 4w, without leading zeros. Raises BadValueError."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) * UNITS[found[2]] > _MOST:
        raise BadValueError("must be a duration such as 12h, 30d or 4w, at most 36500d")
    return f"{int(found[1])}{found[2]}"


def milliseconds(duration: str) -> int:
    """The length of a duration that `read_duration` returned."""
    return int(duration[:-1]) * UNITS[duration[-1]]


def read_time(value: Any) -> str:
    """A date, or a moment as ISO 8601 in UTC. Raises BadValueError."""
    if isinstance(value, str):
        text = value.strip()
        if _DATE.fullmatch(text):
            try:
                date.fromisoformat(text)
            except ValueError:
                raise BadValueError(f"must be a date that exists, not {text}") from None
            return text
    if not isinstance(value, str) or "T" not in value.upper():
        raise BadValueError("must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z")
    try:
        return iso(parse_moment(value))
    except ValueError:
        raise BadValueError("must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z") from None


def time_span(text: str, zone: tzinfo) -> tuple[int, int]:
    """The first and the last millisecond of a date in a time zone; of a moment, itself twice."""
    if not _DATE.fullmatch(text):
        moment = parse_moment(text)
        return moment, moment
    day = date.fromisoformat(text)
    if day == date.max:
        return midnight(day, zone), midnight(day, zone) + DAY - 1
    return midnight(day, zone), midnight(day + timedelta(days=1), zone) - 1


def midnight(day: date, zone: tzinfo) -> int:
    """The first instant of a local day, in ms UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    first = round((local.astimezone(UTC) - _EPOCH) / _MILLI)
    if _local(first, zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return first
    # There is no such midnight: the clock skips it. The day begins where the clock jumps.
    before, after = first - DAY, first
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _local(middle, zone).date() >= day else (middle, after)
    return after


def _local(moment: int, zone: tzinfo) -> datetime:
    return (_EPOCH + moment * _MILLI).astimezone(zone)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLI: Final = timedelta(milliseconds=1)


def local_day(now: int, zone: tzinfo) -> date:
    """The local date at a moment (ms UTC)."""
    return _local(now, zone).date()


def period_start(period: str, day: date, step: int) -> date:
    """The first day of the period that `day` is in, moved by `step` periods."""
    match period:
        case "day":
            return day + timedelta(days=step)
        case "week":
            return day - timedelta(days=day.weekday()) + timedelta(weeks=step)
        case "year":
            return date(day.year + step, 1, 1)
    months = 3 if period == "quarter" else 1
    index = day.year * 12 + (day.month - 1) // months * months + step * months
    return date(index // 12, index % 12 + 1, 1)


def _calendar(step: int) -> Callable[[tuple[str | None, ...], int, tzinfo], list[Bounds]]:
    def bounds(values: tuple[str | None, ...], now: int, zone: tzinfo) -> list[Bounds]:
        day = local_day(now, zone)
        first, end = (period_start(values[0] or "day", day, each) for each in (step, step + 1))
        return [(midnight(first, zone), midnight(end, zone) - 1)]

    return bounds


def _anniversary(values: tuple[str | None, ...], now: int, zone: tzinfo) -> list[Bounds]:
    """The same days of every year as the next N days from today; 29 February counts as 28 in other years."""
    today = local_day(now, zone)
    coming = [today + timedelta(days=each) for each in range(milliseconds(values[0] or "0d") // DAY + 1)]
    days = {(day.month, day.day) for day in coming}
    if any((day.month, day.day) == (2, 28) and not _is_leap(day.year) for day in coming):
        days.add((2, 29))
    found: list[Bounds] = []
    for year in _YEARS:
        for month, day in sorted(days):
            if (month, day) == (2, 29) and not _is_leap(year):
                continue
            low, high = time_span(date(year, month, day).isoformat(), zone)
            if found and found[-1][1] == low - 1:
                found[-1] = (found[-1][0], high)
            else:
                found.append((low, high))
    return found


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _between(values: tuple[str | None, ...], now: int, zone: tzinfo) -> list[Bounds]:
    low, high = values
    return [
        (
            None if low is None else time_span(low, zone)[0],
            None if high is None else time_span(high, zone)[0] - 1,
        )
    ]


def _ago(values: tuple[str | None, ...], now: int, zone: tzinfo) -> list[Bounds]:
    far, near = values
    return [(None if far is None else now - milliseconds(far), None if near is None else now - milliseconds(near))]


def _read_ends(low: Any, high: Any, read: Callable[[Any], str]) -> tuple[str | None, ...]:
    if low is None and high is None:
        raise BadValueError("must have at least one end that is not null")
    return (None if low is None else read(low), None if high is None else read(high))


def _read_ago(value: dict[str, Any]) -> tuple[str | None, ...]:
    ends = value["ago"]
    if not isinstance(ends, list) or len(ends) != 2:
        raise BadValueError('must be two durations, the longer one first, such as ["60d", "30d"]; one may be null')
    found = _read_ends(ends[0], ends[1], read_duration)
    if found[0] is not None and found[1] is not None and milliseconds(found[0]) < milliseconds(found[1]):
        raise BadValueError(f"must name the longer duration first: {found[1]}, then {found[0]}")
    return found


def _read_anniversary(value: dict[str, Any]) -> tuple[str | None, ...]:
    inner = value["anniversary"]
    if not isinstance(inner, dict) or inner.keys() != {"next"}:
        raise BadValueError('must be {"next": "7d"}: the days from today on')
    duration = read_duration(inner["next"])
    if milliseconds(duration) % DAY or milliseconds(duration) > 366 * DAY:
        raise BadValueError("must be a whole number of days, at most 366d")
    return (duration,)


def _read_period(name: str) -> Callable[[dict[str, Any]], tuple[str | None, ...]]:
    def read(value: dict[str, Any]) -> tuple[str | None, ...]:
        period = value[name]
        if period not in PERIODS:
            raise BadValueError(f"must be one of {', '.join(PERIODS)}", allowed=PERIODS, given=str(period))
        return (period,)

    return read


def _quoted_time(text: str | None) -> str:
    return text if text is None or _DATE.fullmatch(text) else f'"{text}"'  # type: ignore[return-value]


def _ends_text(low: str, high: str) -> str:
    return " ".join(part for part in (low and f"from {low}", high and f"to {high}") if part)


def duration_words(duration: str | None) -> str:
    """A duration in words: 30 days, 1 week."""
    assert duration is not None
    unit = {"h": "hour", "d": "day", "w": "week"}[duration[-1]]
    count = int(duration[:-1])
    return f"1 {unit}" if count == 1 else f"{count} {unit}s"


def _ago_phrase(values: tuple[str | None, ...]) -> str:
    far, near = values
    if far is None:
        return f"at least {duration_words(near)} ago"
    if near is None:
        return f"since {duration_words(far)} ago"
    return f"between {duration_words(far)} and {duration_words(near)} ago"


def _from_phrase(values: tuple[str | None, ...]) -> str:
    low, high = values
    if low is None:
        return f"before {high}"
    return f"from {low} on" if high is None else f"from {low} until before {high}"


FORMS: Final[dict[str, Form]] = {
    "last": Form(
        ("last",),
        lambda value: (read_duration(value["last"]),),
        lambda values, now, _: [(now - milliseconds(values[0] or "0d"), now)],
        lambda values: f"in last {values[0]}",
        lambda values: f"within the last {duration_words(values[0])}",
        lambda values: {"last": values[0]},
    ),
    "ago": Form(
        ("ago",),
        _read_ago,
        _ago,
        lambda values: _ends_text(*((end and f"{end} ago") or "" for end in values)),
        _ago_phrase,
        lambda values: {"ago": [*values]},
    ),
    "next": Form(
        ("next",),
        lambda value: (read_duration(value["next"]),),
        lambda values, now, _: [(now + 1, now + milliseconds(values[0] or "0d"))],
        lambda values: f"in next {values[0]}",
        lambda values: f"within the next {duration_words(values[0])}",
        lambda values: {"next": values[0]},
    ),
    "from": Form(
        ("from", "to"),
        lambda value: _read_ends(value.get("from"), value.get("to"), read_time),
        _between,
        lambda values: _ends_text(*((end and _quoted_time(end)) or "" for end in values)),
        _from_phrase,
        lambda values: {name: end for name, end in zip(("from", "to"), values, strict=True) if end is not None},
    ),
    "this": Form(
        ("this",),
        _read_period("this"),
        _calendar(0),
        lambda values: f"in this {values[0]}",
        lambda values: "today" if values[0] == "day" else f"this {values[0]}",
        lambda values: {"this": values[0]},
    ),
    "previous": Form(
        ("previous",),
        _read_period("previous"),
        _calendar(-1),
        lambda values: f"in previous {values[0]}",
        lambda values: "yesterday" if values[0] == "day" else f"in the previous {values[0]}",
        lambda values: {"previous": values[0]},
    ),
    "anniversary": Form(
        ("anniversary",),
        _read_anniversary,
        _anniversary,
        lambda values: f"anniversary in next {values[0]}",
        lambda values: f"on a day whose anniversary is within the next {duration_words(values[0])}",
        lambda values: {"anniversary": {"next": values[0]}},
    ),
}
"""Every way to write a window."""
