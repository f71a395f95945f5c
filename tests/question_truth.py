"""Questions in JSON over plain records, one record at a time: every subject written down a second time.

It shares no code with the program but the names of relations. Times are milliseconds, calendar windows are of UTC.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .activity_truth import Truth
from .audience_truth import Record, fits, is_pending
from .search_keys import search_key_of

DAY = 86_400_000
UNITS = {"h": DAY // 24, "d": DAY, "w": 7 * DAY}
TIES = {
    "tag": "tag.has",
    "group": "group.member",
    "offer": "offer.granted",
    "product": "product.owned",
    "active_product": "product.active",
    "previous_product": "product.previously_owned",
    "newsletter": "newsletter.subscribed",
    "newsletter_left": "newsletter.unsubscribed",
    "sequence": "sequence.subscribed",
    "coupon": "coupon.used",
    "form": "form.submitted",
    "event": "event.registered",
    "list": "audience.member",
    "assessment": "assessment.completed",
}
NAMES = {"revenue": "net_revenue", "phone": "phone_number", "city": "address_city", "joined": "joined_at"}
LATEST = {"bounced": "bounced_at", "complained": "complained_at"}
SINCE = {"subscribed": "subscribed_at", "hard_bouncing": "bounced_at", "spam_reported": "complained_at"}
FLAGS = ("subscribed", "hidden", "suppressed", "forgotten", "hard_bouncing", "spam_reported")
AUDIENCES: dict[str, dict[str, Any]] = {
    "loyal": {"any": [{"has": "tag", "any_of": ["vip", 1]}, {"field": "revenue", "gt": 10}]},
    "odd": {"not": {"in": {"audience": "loyal"}}},
    "gone": {"any": [{"is": "hidden"}, {"in": {"audience": "odd"}}]},
}
"""Saved audiences: each refers only to those before it."""
LIST = "beta"
"""A saved list."""
COMPARED: dict[str, Callable[[int, int, int], bool]] = {
    "eq": lambda value, first, last: first <= value <= last,
    "gt": lambda value, first, last: value > last,
    "gte": lambda value, first, last: value >= first,
    "lt": lambda value, first, last: value < first,
    "lte": lambda value, first, last: value <= last,
}


def matches(question: dict[str, Any], record: Record, now: int) -> bool:
    """Whether a customer matches."""
    if "all" in question:
        return all(matches(part, record, now) for part in question["all"])
    if "any" in question:
        return any(matches(part, record, now) for part in question["any"])
    if "not" in question:
        return not matches(question["not"], record, now)
    first = [name for name in ("attribute", "mail") if name in question]  # other subjects are operators of these
    subject = first[0] if first else next(name for name in SUBJECTS if name in question)
    return SUBJECTS[subject](question, record, now)


def mentions_hidden(question: Any) -> bool:
    """Whether hidden customers are asked about."""
    if isinstance(question, list):
        return any(map(mentions_hidden, question))
    if not isinstance(question, dict):
        return False
    if "in" in question:
        return mentions_hidden(AUDIENCES.get(question["in"].get("audience"), {}))
    asked = question.get("is") == "hidden" or question.get("filter") == "is_hidden"
    return asked or any(mentions_hidden(part) for part in question.values())


def _is(question: dict[str, Any], record: Record, now: int) -> bool:
    state = question["is"]
    if state in FLAGS:
        holds = (state, 0) in record["ties"]
    elif state == "pending":
        holds = is_pending(record)
    elif state == "never_subscribed":
        holds = record["subscribed_at"] is None
    else:
        holds = fits(f"{state}_contacts_with_open_data", "true", record, now)
    if "since" in question:
        return holds and within(question["since"], record[SINCE[state]], now)
    return holds


def _has(question: dict[str, Any], record: Record, now: int) -> bool:
    relation = TIES[question["has"]]
    if "passed" in question:
        relation = "assessment.passed" if question["passed"] else "assessment.failed"

    def tied(item: Any) -> bool:
        if question["has"] == "coupon":
            item = str(item).casefold()
        at = record["tied_at"].get((relation, item))
        return at is not None and ("when" not in question or within(question["when"], at, now))

    if "none_of" in question:
        return not any(map(tied, question["none_of"]))
    if "all_of" in question:
        return all(map(tied, question["all_of"]))
    return any(map(tied, question["any_of"]))


def _in(question: dict[str, Any], record: Record, now: int) -> bool:
    ((noun, name),) = question["in"].items()
    if noun == "list" or name == LIST:
        return ("audience.member", name) in record["ties"]
    asked = AUDIENCES[name]
    return matches(asked, record, now) and (mentions_hidden(asked) or ("hidden", 0) not in record["ties"])


def _field(question: dict[str, Any], record: Record, now: int) -> bool:
    name = NAMES.get(question["field"], question["field"])
    value = record[name]
    if "ne" in question:
        return not _field({"field": name, "eq": question["ne"]}, record, now)
    if "set" in question:
        return bool((value is not None) == question["set"])
    if value is None:
        return False
    if "when" in question:
        return within(question["when"], value, now)
    if name == "customer_id":
        return bool(value == question["eq"])
    if name == "net_revenue" or name.endswith("_at"):
        span = _cents if name == "net_revenue" else _span
        if "between" in question:
            low, high = question["between"]
            return bool(span(low)[0] <= value <= span(high)[1])
        (operator,) = question.keys() - {"field"}
        return COMPARED[operator](value, *span(question[operator]))
    text = search_key_of(value)
    if "one_of" in question:
        return any(_same(name, value, each) for each in question["one_of"])
    if "eq" in question:
        return _same(name, value, question["eq"])
    if "contains" in question:
        return search_key_of(question["contains"]) in text
    if "starts" in question:
        return text.startswith(search_key_of(question["starts"]))
    return text.endswith(search_key_of(question["ends"]))


def _same(name: str, value: str, asked: str) -> bool:
    if name == "email":
        return value.casefold() == asked.strip().casefold()
    return search_key_of(value) == search_key_of(asked)


def _cents(value: Any) -> tuple[int, int]:
    cents = round(float(value) * 100)
    return cents, cents


def _span(text: str) -> tuple[int, int]:
    if "T" in text:
        at = _ms(datetime.fromisoformat(text))
        return at, at
    start = _ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
    return start, start + DAY - 1


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _length(duration: str) -> int:
    return int(duration[:-1]) * UNITS[duration[-1]]


def within(window: dict[str, Any], at: int | None, now: int) -> bool:
    """Whether a time is in a window."""
    if at is None:
        return False
    if "last" in window:
        return now - _length(window["last"]) <= at <= now
    if "next" in window:
        return now < at <= now + _length(window["next"])
    if "ago" in window:
        far, near = window["ago"]
        return (far is None or now - _length(far) <= at) and (near is None or at <= now - _length(near))
    if "from" in window or "to" in window:
        low, high = window.get("from"), window.get("to")
        return (low is None or _span(low)[0] <= at) and (high is None or at < _span(high)[0])
    today, day = _day(now), _day(at)
    if "anniversary" in window:
        days = int(window["anniversary"]["next"][:-1])
        return any(_is_anniversary(day, today + timedelta(days=each)) for each in range(days + 1))
    if "this" in window:
        return _period(window["this"], day) == _period(window["this"], today)
    kind = window["previous"]
    before = today
    while _period(kind, before) == _period(kind, today):
        before -= timedelta(days=1)
    return _period(kind, day) == _period(kind, before)


def _day(at: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).date()


def _is_anniversary(born: date, day: date) -> bool:
    if (born.month, born.day) == (2, 29) and (day.month, day.day) == (2, 28):
        return day.year % 4 != 0 or (day.year % 100 == 0 and day.year % 400 != 0)
    return (born.month, born.day) == (day.month, day.day)


def _period(kind: str, day: date) -> tuple[int, ...]:
    if kind == "week":
        return day.isocalendar()[:2]
    quarter = (day.month - 1) // 3
    return {
        "day": (day.year, day.month, day.day),
        "month": (day.year, day.month),
        "quarter": (day.year, quarter),
        "year": (day.year,),
    }[kind]


def _mail(question: dict[str, Any], record: Record, now: int) -> bool:
    status = question["mail"]
    when = question.get("when", {"last": "1d"})
    reaches_now = when.keys() & {"last", "this"} or (when.keys() == {"from"}) or when.get("ago", [0, 0])[1] is None
    asks_more = question.keys() & {"times", "url", "template", "sequence"} or not reaches_now
    if asks_more or ("broadcast" in question and "when" in question):
        return ACTIVITY.mail(question, record, now)
    if "broadcast" not in question and status in ("dropped", "unsubscribed"):
        return ACTIVITY.mail(question, record, now)
    if "broadcast" in question:
        return any((f"broadcast.{status}", item) in record["ties"] for item in question["broadcast"])
    at = record[LATEST.get(status, f"last_{status}_at")]
    return within(question["when"], at, now) if "when" in question else at is not None


def _sample(question: dict[str, Any], record: Record, now: int) -> bool:
    from .audience.model import drawn

    asked = question["sample"]
    if "bucket" in asked:
        return bool(record["bucket"] == asked["bucket"])
    return drawn(record["number"], asked.get("seed", "")) < round(float(asked["percent"]) * 100)


def _attribute(question: dict[str, Any], record: Record, now: int) -> bool:
    value: Any = json.loads(record["attributes"] or "{}")
    for name in question["attribute"].split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if "ne" in question:
        return not _attribute({"attribute": question["attribute"], "eq": question["ne"]}, record, now)
    if "set" in question:
        return (value is not None) == bool(question["set"])
    if value is None:
        return False
    if "when" in question:
        return within(question["when"], _iso(value), now)
    if "eq" in question:
        return _alike(value, question["eq"])
    if "one_of" in question:
        return any(_alike(value, each) for each in question["one_of"])
    if "has" in question:
        return isinstance(value, list) and any(_alike(item, question["has"]) for item in value)
    if "has_any" in question:
        return isinstance(value, list) and any(_alike(item, each) for item in value for each in question["has_any"])
    if "has_all" in question:
        return isinstance(value, list) and all(
            any(_alike(item, each) for item in value) for each in question["has_all"]
        )
    if "count" in question:
        ((operator, number),) = question["count"].items()
        return isinstance(value, list) and COMPARED[operator](len(value), number, number)
    if "contains" in question:
        return isinstance(value, str) and search_key_of(question["contains"]) in search_key_of(value)
    if "starts" in question:
        return isinstance(value, str) and search_key_of(value).startswith(search_key_of(question["starts"]))
    if "ends" in question:
        return isinstance(value, str) and search_key_of(value).endswith(search_key_of(question["ends"]))
    if "between" in question:
        low, high = question["between"]
        with_low = _attribute({"attribute": question["attribute"], "gte": low}, record, now)
        return with_low and _attribute({"attribute": question["attribute"], "lte": high}, record, now)
    (operator,) = question.keys() - {"attribute"}
    asked = question[operator]
    if isinstance(asked, str):
        at = _iso(value)
        return at is not None and COMPARED[operator](at, *_span(asked))
    number = _number(value)
    return number is not None and COMPARED[operator](number, asked, asked)


def _iso(value: Any) -> int | None:
    try:
        return _span(value)[0] if isinstance(value, str) and value[:4].isdigit() and value[4] == "-" else None
    except (ValueError, IndexError):
        return None


def _number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", value):
        return float(value)
    return None


def _alike(value: Any, asked: Any) -> bool:
    if isinstance(asked, bool) or isinstance(value, bool):
        return type(value) is type(asked) and value == asked
    if isinstance(asked, str):
        return isinstance(value, str) and search_key_of(value) == search_key_of(asked)
    return bool(_number(value) == asked)


ACTIVITY = Truth(within, _attribute)
SUBJECTS: dict[str, Callable[[dict[str, Any], Record, int], bool]] = {
    "is": _is,
    "has": _has,
    "in": _in,
    "field": _field,
    "attribute": _attribute,
    "mail": _mail,
    "did": ACTIVITY.did,
    "sequence": ACTIVITY.sequence,
    "search": lambda question, record, now: fits("search", question["search"], record, now),
    "sample": _sample,
    "filter": lambda question, record, now: fits(
        question["filter"],
        str(question["value"]).lower() if question["value"] is True else str(question["value"]),
        record,
        now,
    ),
}
"""Every subject."""
