"""Every filter, order and page over plain records, read from the tables with plain SQL.

It shares no code with the index: each filter is written down here a second time, as one test of one record.
"""

import json
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regulars.domain.relations import BY_CODE, KINDS

from .databases import CHANGED_AT, TIES, query
from .search_keys import search_key_of

DAY = 86_400_000
Record = dict[str, Any]
Asked = list[tuple[str, str]]

COLUMNS = (
    *("number", "uuid", "email", "customer_id", "name", "phone_number", "mobile_phone_number", "address_line_1"),
    *("address_line_2", "address_city", "address_state", "address_country", "address_zip", "net_revenue", "created_at"),
    *("joined_at", "last_request_at", "subscribed_at", "unsubscribed_at", "manually_unsubscribed_at", "opted_out_at"),
    *(
        "attributes",
        "complained_at",
        "bounced_at",
        "last_sent_at",
        "last_delivered_at",
        "last_opened_at",
        "last_clicked_at",
        "changed_at",
        "bucket",
    ),
)

_SELECTED = ", ".join(CHANGED_AT if each == "changed_at" else each for each in COLUMNS)

WINDOWS = {
    "created": "created_at",
    "joined": "joined_at",
    "active": "last_request_at",
    "subscribed": "subscribed_at",
    "unsubscribed": "unsubscribed_at",
    "manually_unsubscribed": "manually_unsubscribed_at",
    "opted_out": "opted_out_at",
    "complained": "complained_at",
    "bounced": "bounced_at",
    "opened_email": "last_opened_at",
    "delivered_email": "last_delivered_at",
    "clicked_email": "last_clicked_at",
}
ANY_OF = {
    "has_tag_id": "tag.has",
    "has_offer_id": "offer.granted",
    "has_product_id": "product.owned",
    "has_active_product_id": "product.active",
    "previously_owned_product_id": "product.previously_owned",
    "submitted_form_id": "form.submitted",
    "registered_event_id": "event.registered",
    "completed_assessment_id": "assessment.completed",
    "passed_assessment_id": "assessment.passed",
    "failed_assessment_id": "assessment.failed",
    "sent_email_broadcast_id": "broadcast.sent",
    "delivered_email_broadcast_id": "broadcast.delivered",
    "complained_email_broadcast_id": "broadcast.complained",
    "unsubscribed_email_broadcast_id": "broadcast.unsubscribed",
    "opened_email_broadcast_id": "broadcast.opened",
    "clicked_email_broadcast_id": "broadcast.clicked",
    "bounced_email_broadcast_id": "broadcast.bounced",
    "dropped_email_broadcast_id": "broadcast.dropped",
    "subscribed_newsletter_id": "newsletter.subscribed",
    "unsubscribed_newsletter_id": "newsletter.unsubscribed",
    "subscribed_email_sequence_id": "sequence.subscribed",
    "in_group_id": "group.member",
}
NONE_OF = {
    "has_no_tag_id": "tag.has",
    "has_no_offer_id": "offer.granted",
    "has_no_product_id": "product.owned",
    "no_submitted_form_id": "form.submitted",
    "not_registered_event_id": "event.registered",
    "no_sent_email_broadcast_id": "broadcast.sent",
    "no_sent_email_broadcast_ids": "broadcast.sent",
    "no_delivered_email_broadcast_id": "broadcast.delivered",
    "no_opened_email_broadcast_id": "broadcast.opened",
    "no_clicked_email_broadcast_id": "broadcast.clicked",
    "no_bounced_email_broadcast_id": "broadcast.bounced",
    "no_dropped_email_broadcast_id": "broadcast.dropped",
    "not_subscribed_email_sequence_id": "sequence.subscribed",
    "not_in_group_id": "group.member",
}
FLAGS = {
    "is_hidden": "hidden",
    "subscribed": "subscribed",
    "is_hard_bouncing": "hard_bouncing",
    "is_suppressed": "suppressed",
    "is_forgotten": "forgotten",
}
ENGAGED = {"healthy": (None, 90), "passive": (90, 180), "unengaged": (180, 365), "inactive": (365, None)}


def records(path: Path, site: int = 1) -> list[Record]:
    """Every customer of a site, with its ties as (relation, object's number or key)."""
    found = {}
    for row in query(path, f"SELECT {_SELECTED} FROM customers WHERE site_id = ?", site):
        record: Record = dict(zip(COLUMNS, row, strict=True))
        if not record["name"]:
            local = record["email"].rpartition("@")[0] if record["email"] else record["customer_id"]
            record["name"] = local
        record["updated_at"] = record["changed_at"]
        if record["joined_at"] is None:
            record["joined_at"] = record["created_at"]
        record["ties"] = set()
        record["tied_at"] = {}
        record["events"] = []
        found[record["number"]] = record
    keys = {
        (KINDS[kind - 1], number): key
        for kind, number, key, deleted in query(
            path, "SELECT kind, number, key, deleted_at FROM objects WHERE site_id = ?", site
        )
        if deleted is None
    }
    ties = query(path, f"SELECT customer, relation, object, at FROM {TIES} WHERE site_id = ? AND holds = 1", site)
    for customer, code, item, at in ties:
        relation = BY_CODE[code]
        key = keys.get((relation.kind or "", item))
        for name in [item] if key is None else [item, key]:
            found[customer]["ties"].add((relation.name, name))
            found[customer]["tied_at"][relation.name, name] = at
    every = {
        (KINDS[kind - 1], key): number
        for kind, number, key in query(path, "SELECT kind, number, key FROM objects WHERE site_id = ?", site)
    }
    existing = {(kind, key): number for (kind, number), key in keys.items() if key is not None}
    ((currency,),) = query(path, "SELECT currency FROM sites WHERE id = ?", site)
    for record in found.values():
        record |= {"objects": every, "existing": existing, "currency": currency}
    events = query(path, "SELECT customer, name, at, log, detail FROM activities WHERE site_id = ?", site)
    for customer, name, at, log, detail in events:
        if customer in found:
            event = {"name": name, "at": at, "log": log, "detail": json.loads(detail or "{}")}
            found[customer]["events"].append(event)
    return [found[number] for number in sorted(found)]


def answer(people: Iterable[Record], asked: Asked, sort: str, now: int) -> list[int]:
    """The numbers of all customers who fit every filter, in the order."""
    hidden_asked = any(name == "is_hidden" for name, _ in asked)
    fitting = [
        record
        for record in people
        if (hidden_asked or ("hidden", 0) not in record["ties"])
        and all(fits(name, value, record, now) for name, value in asked)
    ]
    column = sort.removeprefix("-")
    unset = [record["number"] for record in fitting if _key(record, column) is None]
    listed = [record for record in fitting if _key(record, column) is not None]
    listed.sort(key=lambda record: _key(record, column), reverse=sort.startswith("-"))
    return [record["number"] for record in listed] + unset


def fits(name: str, value: str, record: Record, now: int) -> bool:
    """Whether one customer fits one filter at a moment (ms)."""
    if name.endswith("_in_last"):
        subject = name.removesuffix("_in_last")
        if subject == "inactive":
            return not _within(record["last_request_at"], int(value), now)
        if subject in WINDOWS:
            return _within(record[WINDOWS[subject]], int(value), now)
        return not _within(record[WINDOWS[subject.removeprefix("not_")]], int(value), now)
    if name.endswith("_contains"):
        text = record[name.removesuffix("_contains")]
        return text is not None and _folded(value) in _folded(text)
    if name in ANY_OF:
        return any((ANY_OF[name], item) in record["ties"] for item in _items(value))
    if name in NONE_OF:
        return all((NONE_OF[name], item) not in record["ties"] for item in _items(value))
    if name in FLAGS:
        return ((FLAGS[name], 0) in record["ties"]) == (value in ("true", "1"))
    if name.endswith("_contacts_with_open_data"):
        younger, older = ENGAGED[name.removesuffix("_contacts_with_open_data")]
        latest = max((record[each] for each in ("last_opened_at", "last_clicked_at") if record[each]), default=None)
        engaged = (
            ("subscribed", 0) in record["ties"]
            and record["last_sent_at"] is not None
            and (younger is None or not _within(latest, younger, now))
            and (older is None or _within(latest, older, now))
        )
        return engaged == (value in ("true", "1"))
    return OTHERS[name](value, record)


def is_pending(record: Record) -> bool:
    """Whether consent was asked for, and neither given nor otherwise there."""
    return ("pending", 0) in record["ties"] and ("subscribed", 0) not in record["ties"]


def _within(at: int | None, days: int, now: int) -> bool:
    return at is not None and now - days * DAY <= at <= now


def _items(value: str) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in value.split(",")]


def _folded(text: str) -> str:
    return search_key_of(text)


def _key(record: Record, column: str) -> Any:
    value = record["number" if column == "id" else column]
    return (_folded(value), value) if isinstance(value, str) else value


def _cents(value: str) -> int:
    return round(float(value) * 100)


def _at(value: str) -> int:
    moment = datetime.fromisoformat(value)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text).split()


def _alike(word: str, other: str) -> bool:
    """Whether two words differ by as many errors as are allowed, counted as the optimal string alignment does."""
    errors = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    rows = [list(range(len(other) + 1))]
    for at, letter in enumerate(word, 1):
        row = [at]
        for place, beside in enumerate(other, 1):
            row.append(min(rows[-1][place] + 1, row[-1] + 1, rows[-1][place - 1] + (letter != beside)))
            if at > 1 and place > 1 and word[at - 2 : at] == beside + other[place - 2]:
                row[-1] = min(row[-1], rows[-2][place - 2] + 1)
        rows.append(row)
    return rows[-1][-1] <= errors


def _similar(word: str, text: str, *, begins: bool = False) -> bool:
    return any(
        _alike(word, other) or (begins and any(_alike(word, other[:length]) for length in range(len(other))))
        for other in _words(text)
    )


def _search(value: str, record: Record) -> bool:
    words = _folded(value).split()
    return all(_has_word(word, record, is_last=place == len(words)) for place, word in enumerate(words, 1))


def _has_word(word: str, record: Record, *, is_last: bool) -> bool:
    texts = [_folded(record[each] or "") for each in ("name", "email")]
    if any(word in text for text in texts[word.count("@") > 0 :]):
        return True
    local, at, domain = word.rpartition("@")
    if at:
        before, _, of = texts[1].rpartition("@")
        return domain == of != "" and _words(local) != [] and all(_similar(each, before) for each in _words(local))
    parts = _words(word)
    return parts != [] and all(
        any(part in text or _similar(part, text, begins=is_last and place == len(parts)) for text in texts)
        for place, part in enumerate(parts, 1)
    )


OTHERS: dict[str, Callable[[str, Record], bool]] = {
    "pending": lambda value, record: is_pending(record) == (value in ("true", "1")),
    "search": _search,
    "created_after": lambda value, record: record["created_at"] >= _at(value),
    "updated_since": lambda value, record: record["updated_at"] >= _at(value),
    "created_before": lambda value, record: record["created_at"] < _at(value),
    "has_email": lambda value, record: (record["email"] is not None) == (value.lower() in ("true", "1")),
    "has_all_tag_id": lambda value, record: all(("tag.has", item) in record["ties"] for item in _items(value)),
    "never_subscribed": lambda value, record: (record["subscribed_at"] is None) == (value in ("true", "1")),
    "used_coupon_code": lambda value, record: ("coupon.used", _folded(value)) in record["ties"],
    "net_revenue_equal_to": lambda value, record: record["net_revenue"] == _cents(value),
    "net_revenue_greater_than": lambda value, record: record["net_revenue"] > _cents(value),
    "net_revenue_less_than": lambda value, record: record["net_revenue"] < _cents(value),
    "external_user_id": lambda value, record: record["customer_id"] == value,
    "uuid": lambda value, record: uuid.UUID(bytes=bytes(record["uuid"])) == uuid.UUID(value),
    "email": lambda value, record: record["email"] is not None and _folded(record["email"]) == _folded(value),
}
