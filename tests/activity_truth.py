"""What customers did, over plain records: the subjects `did`, `mail` and `sequence` written down a second time.

`record["events"]` are dicts with name, at (ms), log and detail (decoded); `record["currency"]` is that of the site,
`record["objects"]` the numbers of objects by (kind, key), deleted ones included. It shares no code with the program.
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .search_keys import search_key_of

Event = dict[str, Any]
Record = dict[str, Any]
Within = Callable[[dict[str, Any], int | None, int], bool]
"""Whether a time is in a window."""

EVENTS_OF = {
    "sent": ["email_sent"],
    "delivered": ["email_delivered"],
    "opened": ["email_opened", "email_clicked"],
    "clicked": ["email_clicked"],
    "bounced": ["email_bounced"],
    "dropped": ["email_dropped"],
    "complained": ["email_complained"],
    "unsubscribed": ["email_unsubscribed"],
}
MONEY = ("purchase", "refund", "conversion")
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, asked: value == asked,
    "gt": lambda value, asked: value > asked,
    "gte": lambda value, asked: value >= asked,
    "lt": lambda value, asked: value < asked,
    "lte": lambda value, asked: value <= asked,
}
UNITS = {"h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


class Truth:
    """Judges questions about events. within, attribute: how windows and attributes are judged elsewhere."""

    def __init__(self, within: Within, attribute: Callable[[dict[str, Any], Record, int], bool]) -> None:
        self._within = within
        self._attribute = attribute

    def did(self, question: dict[str, Any], record: Record, now: int) -> bool:
        events = list(self.events_of(question, record, now))
        for measure in ("sum", "avg", "min", "max"):
            if measure in question:
                asked = question[measure]
                values = [value for event in events if (value := _number(event, asked["property"], record)) is not None]
                if not values:
                    return False
                found = {
                    "sum": sum(values),
                    "avg": sum(values) / len(values),
                    "min": min(values),
                    "max": max(values),
                }[measure]
                return _compared(found, asked)
        for end in ("first", "last"):
            if end in question:
                times = sorted(event["at"] for event in events)
                window = question[end].get("when", question[end])
                return bool(times) and self._within(window, times[0 if end == "first" else -1], now)
        return _times(question.get("times", {"gte": 1}), len(events))

    def mail(self, question: dict[str, Any], record: Record, now: int) -> bool:
        events = list(self.events_of(question, record, now))
        is_once = question["mail"] not in ("opened", "clicked")
        count = len({event["log"] for event in events}) if is_once else len(events)
        return _times(question.get("times", {"gte": 1}), count)

    def sequence(self, question: dict[str, Any], record: Record, now: int) -> bool:
        steps = question["sequence"]
        happened = [list(self.events_of(step, record, now)) for step in steps]
        length = None
        if "within" in question:
            length = int(question["within"][:-1]) * UNITS[question["within"][-1]]
        present = [place for place, step in enumerate(steps) if not step.get("absent")]
        for chain in _chains([[event["at"] for event in happened[place]] for place in present]):
            if length is not None and chain[-1] - chain[0] > length:
                continue
            if all(
                not _is_between(event["at"], place, present, chain, length)
                for place, step in enumerate(steps)
                if step.get("absent")
                for event in happened[place]
            ):
                is_last_absent = steps[-1].get("absent")
                if not is_last_absent or length is None or chain[-1] + length <= now:
                    return True
        return False

    def events_of(self, question: dict[str, Any], record: Record, now: int) -> Iterator[Event]:
        """The events that a condition or a step is about."""
        names = [question["did"]] if "did" in question else EVENTS_OF[question["mail"]]
        for event in record["events"]:
            if (
                event["name"] in names
                and ("when" not in question or self._within(question["when"], event["at"], now))
                and all(self._property(each, event, record, now) for each in question.get("where", ()))
                and all(
                    _is_sent_for(event, kind, question[kind], record)
                    for kind in ("broadcast", "template", "sequence")
                    if kind in question
                )
                and ("url" not in question or _is_text(event["detail"].get("url"), question["url"].strip()))
            ):
                yield event

    def _property(self, asked: dict[str, Any], event: Event, record: Record, now: int) -> bool:
        if event["name"] in MONEY and asked["property"] in ("revenue", "amount"):
            cents = _number(event, asked["property"], record)
            if "set" in asked:
                return (cents is not None) == bool(asked["set"])
            if "ne" in asked:
                return cents is None or not _compared(cents, {"property": asked["property"], "eq": asked["ne"]})
            return cents is not None and _compared(cents, asked)
        numbers = {name: value for name, value in asked.items() if name not in ("property", "eq", "ne", "one_of")}
        asked = {**asked, **{name: _as_number(value) for name, value in numbers.items()}}
        asked["attribute"] = asked.pop("property")
        return bool(self._attribute(asked, {"attributes": json.dumps(event["detail"])}, now))


def _chains(steps: list[list[int]], after: int | None = None) -> Iterator[list[int]]:
    """Every choice of a time for each step, each later than the one before."""
    if not steps:
        yield []
        return
    for at in steps[0]:
        if after is None or at > after:
            for rest in _chains(steps[1:], at):
                yield [at, *rest]


def _is_between(at: int, place: int, present: list[int], chain: list[int], length: int | None) -> bool:
    """Whether a time is where an absent step says that there is none."""
    before = max(index for index, each in enumerate(present) if each < place)
    if before + 1 < len(present):
        return chain[before] < at < chain[before + 1]
    return at > chain[before] and (length is None or at <= chain[before] + length)


def _times(asked: Any, count: int) -> bool:
    asked = asked if isinstance(asked, dict) else {"eq": asked}
    return all(COMPARED[operator](count, number) for operator, number in asked.items())


def _compared(value: Any, asked: dict[str, Any]) -> bool:
    ((operator, bound),) = ((name, each) for name, each in asked.items() if name != "property")
    if operator == "between":
        return bool(Decimal(str(bound[0])) <= value <= Decimal(str(bound[1])))
    return bool(COMPARED[operator](value, Decimal(str(bound))))


def _number(event: Event, name: str, record: Record) -> Decimal | None:
    """The number that a property is; of money, only of an amount that counts."""
    if event["name"] not in MONEY or name not in ("revenue", "amount"):
        value: Any = event["detail"]
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str) and not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", value):
            return None
        return Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    told = [event["detail"].get(each) for each in ("revenue", "amount")]
    amounts = [each for each in told if each is not None and each != ""]
    currency = event["detail"].get("currency")
    if not amounts or (currency is not None and currency.upper() != record["currency"]):
        return None
    return Decimal(str(amounts[0])).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _as_number(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_number(each) for each in value]
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) else value


def _is_text(value: Any, asked: str) -> bool:
    return isinstance(value, str) and search_key_of(value) == search_key_of(asked)


def _is_sent_for(event: Event, kind: str, ids: list[Any], record: Record) -> bool:
    naming = [event]
    if kind != "broadcast":
        naming += [each for each in record["events"] if each["name"] == "email_sent" and each["log"] == event["log"]]
    wanted = {record["existing"].get((kind, each)) if isinstance(each, str) else each for each in ids}
    return any(_named(each, kind, record) in wanted - {None} for each in naming)


def _named(event: Event, kind: str, record: Record) -> int | None:
    value = event["detail"].get(f"{kind}_id")
    if isinstance(value, str) and not re.fullmatch(r"[1-9]\d*", value):
        found: int | None = record["objects"].get((kind, value))
        return found
    return None if value is None else int(value)
